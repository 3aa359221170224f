"""An agent that runs errands and notes everything in a ledger, in a worker that dies where `KILL_AT` says.

`python -m tests.support.apps.errands` is such a worker. `KILL_AT=tool.done:2` ends it by SIGKILL when it comes to
`tool.done` for the second time; production code knows nothing of it. The places are in `tests.support.errands`.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sagents import Agent, Middleware, Sagents, ToolContext, tool
from sagents.messages import Message
from sagents.policy import ask
from sagents.ports import DeltaSink, ModelRequest
from sagents.state import State
from sagents_infra.settings import Settings
from sagents_infra.wiring import open_outside
from sagents_infra.worker import run_worker
from tests.support.ledger import Ledger
from tests.support.models import Thinks, asks_for, last_user_text, results_since_user, say_slowly
from tests.support.watched_store import StoreCall, WatchedStore

app = Sagents()
visits: Counter[str] = Counter()


def ledger() -> Ledger:
    return Ledger(Path(os.environ["LEDGER"]))


def here(place: str) -> None:
    """The end of this process, if it is to be killed here."""
    wanted, _, number = os.environ.get("KILL_AT", "").partition(":")
    visits[place] += 1
    if place == wanted and visits[place] == int(number or 1):
        os.kill(os.getpid(), signal.SIGKILL)


@tool
async def pay(context: ToolContext, amount: int) -> str:
    """Pay at a bank that honours idempotency keys."""
    ledger().note("tried", context.idempotency_key)
    here("tool.begun")
    ledger().apply(context.idempotency_key, amount)
    here("tool.done")
    return f"paid {amount}"


@tool(approval=ask())
def shred(paper: str) -> str:
    """Shred a paper."""
    return f"shredded {paper}"


@tool(on_worker_loss="report")
async def post(context: ToolContext, letter: str) -> str:
    """Post a letter: nobody can take it back, and no bank knows its key."""
    ledger().note("tried", context.idempotency_key)
    here("post.begun")
    return f"posted {letter}"


WISHES: dict[str, Callable[[], Message]] = {
    "one": lambda: asks_for(("pay", {"amount": 1})),
    "two": lambda: asks_for(("shred", {"paper": "bill"}), ("pay", {"amount": 10})),
    "three": lambda: asks_for(("pay", {"amount": 100})),
    "letter": lambda: asks_for(("post", {"letter": "to Ann"})),
}


def think(request: ModelRequest, on_delta: DeltaSink) -> Message:
    here("model.asked")
    results = results_since_user(request)
    reply = Message.assistant(" and ".join(results)) if results else WISHES[last_user_text(request)]()
    say_slowly(on_delta, *reply.text.split())
    here("model.streamed")
    return reply


class Counts(Middleware):
    """Notes each time that the model is about to be asked."""

    def before_model(self, state: State, context: Any, /) -> None:
        ledger().note("asked", f"{context.run_id}.{context.step}")


@app.agent("errands")
def errands(_: object) -> Agent:
    return Agent(model=Thinks(think), tools=[pay, shred, post], middleware=[Counts()])


async def before(call: StoreCall) -> None:
    match call:
        case StoreCall("get", key, "model_step") if key.startswith("step:"):
            here("step.claimed")
        case StoreCall("save", _, "save"):
            here("save.begun")
        case StoreCall("append", rows, "model_step") if _is_reply(rows):
            here("rows.begun")
        case _:
            pass


async def after(call: StoreCall) -> None:
    match call:
        case StoreCall("put_once", key, "model_step") if key.startswith("step:"):
            ledger().note("recorded", key.removeprefix("step:").rpartition(".")[0])
            here("step.recorded")
        case StoreCall("append", rows, "model_step") if _is_reply(rows):
            here("rows.done")
        case StoreCall("save", _, "model_step"):
            here("step.saved")
        case StoreCall("save", _, "save"):
            here("save.done")
        case StoreCall("take_over", _, "wake"):
            here("wake.claimed")
        case _:
            pass


def _is_reply(rows: str) -> bool:
    """Whether these are the rows of what the model said."""
    return rows.startswith(("msg_", "call_")) and ".result" not in rows


async def main(app: Sagents = app) -> None:
    settings, stopping = Settings(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    outside = await open_outside(settings)
    outside = replace(outside, store=WatchedStore(outside.store, before, after))
    print("works", flush=True)
    await run_worker(settings, app, stopping=stopping, outside=outside)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)
