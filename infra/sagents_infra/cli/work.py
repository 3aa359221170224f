"""`sagents worker`: a process that runs agents until it is told to stop."""

import asyncio
import os
import signal
import traceback

from sagents import Sagents
from sagents_infra import logs
from sagents_infra.cli.failing import FAILED, OK, complain, exit_code
from sagents_infra.cli.leaving import leave
from sagents_infra.cli.places import find_app, use_dev_server
from sagents_infra.settings import Settings


def worker(spec: str) -> None:
    """Work, and end the process. Never returns."""
    try:
        code = _work(spec)
    except Exception as error:
        code = exit_code(error) or FAILED
        if exit_code(error) is None:
            traceback.print_exc()
            error = RuntimeError(f"the worker failed: {type(error).__name__}: {error}")
        complain(error)
    leave(code)


def _work(spec: str) -> int:
    logs.configure()
    settings = Settings()
    found, app = find_app(spec or settings.app)
    use_dev_server(settings.home)
    return asyncio.run(_until_stopped(settings, found, app))


async def _until_stopped(settings: Settings, found: str, app: Sagents) -> int:
    from sagents_infra.wiring import open_outside
    from sagents_infra.worker import run_worker

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, _stop, stopping)
    outside = await open_outside(settings)
    names = ", ".join(app.names) or "no agents"
    print(f"worker   {names} ({found}), task queue {settings.task_queue}, process {os.getpid()}", flush=True)
    await run_worker(settings, app, stopping=stopping, outside=outside)
    return OK


def _stop(stopping: asyncio.Event) -> None:
    """The first signal asks; the second one insists."""
    if stopping.is_set():
        os._exit(130)
    stopping.set()
