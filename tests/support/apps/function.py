"""A worker function that dies by SIGKILL where `KILL_AT` says (`tool`, `stream`), but once: `MARK` is the trace of it.

`python -m tests.support.apps.function` is one invocation.
"""

import asyncio
import os
import signal
from pathlib import Path

from sagents import Agent, Sagents, tool
from sagents.messages import Message
from sagents.ports import DeltaSink, ModelRequest
from sagents_infra.aws.worker import worker_function
from sagents_infra.settings import Settings
from tests.support.lambdas import Context
from tests.support.models import Thinks, asks_for, results_since_user, say_slowly

WORDS = ("It ", "is ", "done.")


def here(place: str) -> None:
    mark = Path(os.environ["MARK"])
    if place == os.environ["KILL_AT"] and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@tool
async def work() -> str:
    """Work."""
    here("tool")
    return "worked"


async def think(request: ModelRequest, on_delta: DeltaSink) -> Message:
    if not results_since_user(request):
        return asks_for(("work", {}))
    say_slowly(on_delta, *WORDS[:2])
    await asyncio.sleep(0.2)  # so that these words have gone out
    here("stream")
    say_slowly(on_delta, *WORDS[2:])
    return Message.assistant("".join(WORDS))


app = Sagents()
app.agent("helper", Agent(model=Thinks(think), tools=[work], default_middleware=False))

if __name__ == "__main__":
    worker_function(app, Settings())({}, Context(60_000))
    os._exit(0)  # as every process that ran a worker
