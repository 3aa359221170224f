"""The packages of template.yaml, built for this machine and the Python of its functions."""

import hashlib
import os
import platform
import shutil
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from sagents_infra.deployments import build_id_of
from tools.aws import ROOT, add_bytecode, environment, tool
from tools.aws_local.working import note, run

APP = Path(__file__).with_name("app.py")
SOURCES = ("sagents", "workflows", "activities", "infra", "deploy", "template.yaml", "requirements-aws.lock", APP)
"""What the packages are made of."""

ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def build(folder: Path, minor: str, python: str) -> bool:
    """`sam build` for this machine, with bytecode; False where the packages are of these very sources already."""
    built, stamp = folder / "build", folder / "built-from"
    sources = f"{minor} {ARCHITECTURE} {_hash_of_sources()}"
    if stamp.exists() and stamp.read_text() == sources:
        return False
    stamp.unlink(missing_ok=True)
    shutil.rmtree(built, ignore_errors=True)
    chosen = ("--parameter-overrides", f"Architecture={ARCHITECTURE}", f"Runtime=python{minor}")
    beside = {"PATH": f"{Path(python).parent}{os.pathsep}{environment()['PATH']}"}
    sam = tool("sam", "sam")
    run(folder / "build.log", sam, "build", "--build-dir", built, *chosen, env={**environment(), **beside}, cwd=ROOT)
    shutil.copy(APP, built / "WorkerFunction/local_app.py")
    for package in [path for path in built.iterdir() if path.is_dir()]:
        note(f"bytecode and a zip of {package.name}")
        add_bytecode(python, package)
        _pack(package, built / "template.yaml")
    stamp.write_text(sources)
    return True


def _pack(package: Path, template: Path) -> None:
    """Zip a package and let the template name the zip; else `sam deploy` packs it anew each time, for each function."""
    with ZipFile(package.with_name(f"{package.name}.zip"), "w", ZIP_DEFLATED, compresslevel=1) as packed:
        for path in sorted(package.rglob("*")):
            packed.write(path, path.relative_to(package))
    template.write_text(template.read_text().replace(f"CodeUri: {package.name}\n", f"CodeUri: {package.name}.zip\n"))


def _hash_of_sources() -> str:
    digest = hashlib.sha256()
    for source in (ROOT / name for name in SOURCES):
        one = build_id_of(source) if source.is_dir() else hashlib.sha256(source.read_bytes()).hexdigest()
        digest.update(one.encode())
    return digest.hexdigest()
