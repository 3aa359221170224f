"""What AWS's own tools say of template.yaml, and what it is built into: `python -m tools.aws check` and `build`.

They stand in `.aws-tools`, apart from the product's packages, each as its lock says.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.set_up import Failed, find_uv, run_cached_first, say

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".aws-tools"
TEMPLATE = ROOT / "template.yaml"
BUILT = ROOT / ".aws-sam/build"
LOCKS = {
    "sam": "requirements-aws.lock",
    "checkov": "requirements-checkov.lock",
    "ministack": "requirements-ministack.lock",
}
RUNTIME = "3.13"
"""The Python of the functions: bytecode of another one would be for nothing."""

LIMIT = 250 * 1024 * 1024
"""What a function may weigh, unpacked."""

TRANSFORM = """
import json, sys
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.translator import Translator
from samtranslator.parser.parser import Parser

template = yaml_parse(open(sys.argv[1]).read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://packages/code.zip"
values = {"Stage": sys.argv[2], "AWS::Region": "eu-central-1"}
translated = Translator({}, Parser()).translate(template, values)
json.dump(translated, sys.stdout, indent=1, sort_keys=True)
"""


def tool(kind: str, name: str, python: str = sys.executable) -> Path:
    """A tool of a kind (of `LOCKS`; `kind-word` is another one of it), in a venv that is made when its lock changed."""
    venv, lock = TOOLS / kind, ROOT / LOCKS[kind.partition("-")[0]]
    ready = venv / ".ready"
    if not ready.exists() or ready.read_bytes() != lock.read_bytes():
        say(f"-> {kind} as {lock.name} says (some 80 MB to download the first time)")
        shutil.rmtree(venv, ignore_errors=True)
        if subprocess.run([find_uv(), "venv", "--quiet", "--python", python, venv], check=False).returncode:
            raise Failed(f"{venv} could not be made for {python}; uv says why above.")
        sync = ("pip", "sync", "--quiet", "--python", venv / "bin/python", "--require-hashes")
        if not run_cached_first(find_uv(), *sync, lock):
            raise Failed(f"{lock.name} could not be installed; uv says why above.")
        ready.write_bytes(lock.read_bytes())
    return venv / "bin" / name


def environment() -> dict[str, str]:
    """For the SAM CLI: it tells nobody, finds uv, reads no account, and keeps its bytecode, which takes it seconds."""
    uv = str(find_uv().parent)
    named = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "eu-central-1")}
    path = {"PATH": f"{uv}{os.pathsep}{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": ""}
    return {**os.environ, **named, **path}


def step(what: str, *command: str | Path, **more: str) -> None:
    say(f"-> {what}")
    if subprocess.run(command, cwd=ROOT, env={**environment(), **more}, check=False).returncode:
        raise Failed(f"{what} failed")


def processed(stage: str) -> Path:
    """The template as CloudFormation gets it: SAM's resources in full."""
    path = BUILT.parent / f"processed-{stage}.json"
    path.parent.mkdir(exist_ok=True)
    command = (str(tool("sam", "python")), "-c", TRANSFORM, str(TEMPLATE), stage)
    text = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True).stdout
    path.write_text(json.dumps(json.loads(text), indent=1))
    return path


def check() -> None:
    step("cfn-lint", tool("sam", "cfn-lint"), TEMPLATE)
    step("sam validate --lint", tool("sam", "sam"), "validate", "--lint", "--template", TEMPLATE)
    checkov = (tool("checkov", "checkov"), "--config-file", "deploy/checkov.yaml")
    step("checkov", *checkov, "--file", "template.yaml")
    for stage in ("dev", "prod"):
        path = processed(stage)
        step(f"cfn-lint, processed for {stage}", tool("sam", "cfn-lint"), "--ignore-checks", "W", "--", path)
        tests = (sys.executable, "-m", "pytest", "-q", "-n", "0", "-k", "template", "tests/infra/aws")
        step(f"tests, processed for {stage}", *tests, SAGENTS_TEMPLATE=str(path))


def build() -> None:
    """`sam build`, with bytecode that needs no look at its source: SAM brings none, and each cold start doubles."""
    step("sam build", tool("sam", "sam"), "build", "--build-dir", BUILT, *sys.argv[2:])
    python = shutil.which(f"python{RUNTIME}")
    for folder in sorted(path for path in BUILT.iterdir() if path.is_dir()):
        if python is None:
            say(f"   no python{RUNTIME} on the PATH: {folder.name} stays without bytecode, and starts slowly")
        else:
            add_bytecode(python, folder)
        weigh(folder)


def add_bytecode(python: str, folder: Path) -> None:
    quietly = ("-q", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash")
    subprocess.run([python, "-m", "compileall", *quietly, folder], check=False)


def weigh(folder: Path) -> None:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    say(f"   {folder.name}: {size / 1024 / 1024:.0f} of 250 MB")
    if size > LIMIT:
        raise Failed(f"{folder.name} is too large for a function; leave models out of WORKER_EXTRAS in the Makefile.")


def main() -> int:
    try:
        {"check": check, "build": build}[sys.argv[1]]()
    except Failed as failure:
        say(f"aws: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
