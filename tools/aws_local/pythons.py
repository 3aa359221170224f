"""The Python of the functions: a parameter of the template, and ministack runs them by the one that it runs on."""

import shutil
import subprocess
from pathlib import Path

from tools.set_up import Failed

MINORS = ("3.13", "3.12", "3.11")
"""What Lambda has and the product supports, the one of a real deployment first."""


def python_of_functions() -> tuple[str, str]:
    """The newest minor that this machine has, and its interpreter. What is on the PATH may still not run."""
    for minor in MINORS:
        found = shutil.which(f"python{minor}")
        path = found and _interpreter(found, minor)
        if path:
            return minor, path
    raise Failed(f"None of {', '.join(f'python{minor}' for minor in MINORS)} on the PATH runs; install one.")


def _interpreter(command: str, minor: str) -> str | None:
    ask = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    told = subprocess.run([command, "-c", ask], capture_output=True, text=True, check=False)
    version, _, path = told.stdout.strip().partition(" ")
    return path if told.returncode == 0 and version == minor and Path(path).exists() else None
