"""Child processes that never outlive whoever started them, and that are ended by their own ids."""

import subprocess
import sys
from collections.abc import Sequence

TIE = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); os.execv(sys.argv[1], sys.argv[1:])"
"""Asks Linux for SIGTERM when the parent dies, then becomes the command. Elsewhere children outlive a killed parent."""


def tied(command: Sequence[str]) -> list[str]:
    """The command, to be ended with the thread that starts it."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-S", "-E", "-c", TIE, *command]


def end(process: "subprocess.Popen[bytes]", patience: float = 10.0) -> int:
    """Ask a child to end, insist after a while, and return its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
