"""`python -m sagents_infra.demo`: exit code 0 if everything that the demo claims is true."""

import argparse
import asyncio
import os
import shutil
import sys
import sysconfig
from contextlib import AsyncExitStack
from pathlib import Path

from sagents import SagentsError
from sagents_infra.cli.leaving import leave
from sagents_infra.cli.places import only_one
from sagents_infra.demo.story import APP, Demo, DemoFailed

LIMIT = 115.0
REAL_LIMIT = 600.0
"""Seconds for a real model, which thinks as long as it likes."""


async def perform(folder: Path, model: str, keep: bool) -> bool:
    """The whole demo, within its time."""
    async with AsyncExitStack() as stack:
        demo = Demo(folder, model, stack)
        try:
            async with asyncio.timeout(REAL_LIMIT if model else LIMIT):
                good = await demo.perform()
        except TimeoutError:
            demo.stage.tell(f"not done after {demo.stage.seconds:.0f} s", "bold red")
            good = False
        if keep:
            demo.stage.tell("everything stays up until Ctrl-C")
            await asyncio.Event().wait()
        demo.stage.tell("done" if good else f"not everything was true; the workers' logs are in {folder}/")
    return good


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m sagents_infra.demo", description=__doc__)
    parser.add_argument("--model", default=os.environ.get("MODEL", ""), help="a real model, as anthropic:claude-...")
    parser.add_argument("--folder", type=Path, default=Path(".sagents/demo"), help="emptied first (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave it all running until Ctrl-C")
    given = parser.parse_args()
    try:
        with only_one(given.folder):
            _empty(given.folder)
            good = asyncio.run(perform(given.folder, given.model, given.keep))
    except KeyboardInterrupt:
        return 130
    except (SagentsError, DemoFailed) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    if good:
        print(f"         to look at it again: SAGENTS_HOME={given.folder} {_command()} dev --app {APP}")
    return 0 if good else 1


def _command() -> str:
    """How to type `sagents` here: beside this Python, where no environment is activated."""
    beside = Path(sysconfig.get_path("scripts")) / "sagents"
    if shutil.which("sagents") or not beside.exists():
        return "sagents"
    return os.path.relpath(beside)


def _empty(folder: Path) -> None:
    """Remove what an earlier demo left; the lock is ours."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "dev.lock":
            path.unlink()


if __name__ == "__main__":
    leave(main())
