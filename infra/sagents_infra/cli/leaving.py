"""The end of a process in which Temporal's SDK was used."""

import os
import sys
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process with everything written and sent.

    Not by the interpreter's own end: threads of the SDK's native core still call into an interpreter that goes away,
    and a part of all processes would die by a signal.
    """
    if (telemetry := sys.modules.get("sagents_infra.telemetry")) is not None:
        telemetry.flush()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # whoever read it has gone
            stream.flush()
    os._exit(code)
