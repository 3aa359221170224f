"""Noticing that code has changed."""

import asyncio
from importlib.util import find_spec
from pathlib import Path

from sagents import SagentsError


def check_installed() -> None:
    """Raises where the package that notices is missing."""
    if find_spec("watchfiles") is None:
        raise SagentsError("`--reload` needs watchfiles: pip install 'sagents[dev]'.")


async def changes(folder: Path, changed: asyncio.Event) -> None:
    """Set `changed` whenever a Python file below the folder is another one."""
    from watchfiles import PythonFilter, awatch

    async for _ in awatch(folder, watch_filter=PythonFilter()):
        changed.set()
