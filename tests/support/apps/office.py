"""The office of `examples/office.py` in a worker that dies where `KILL_AT` says, as that of the errands.

`python -m tests.support.apps.office` is such a worker. Its places are `clerk.asked` and `clerk.replied`, those of the
`bookkeeper`, `refund.checked` between a decision and its call, `effect.begun` and `effect.done`, and the store's.
"""

import asyncio
import os
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from examples import office
from sagents import Message, Sagents
from sagents.ports import DeltaSink, Model, ModelRequest
from tests.support import office as talk
from tests.support.apps.errands import here, ledger, main


class Bank(dict[str, int]):
    """The office's ledger, on disk: whoever comes twice with a key pays once."""

    def __setitem__(self, key: str, amount: int) -> None:
        ledger().note("tried", key)
        here("effect.begun")
        ledger().apply(key, amount)
        here("effect.done")


class Archive(Container[str]):
    """No order is closed; it is asked right before an approved refund runs."""

    def __contains__(self, _: Any) -> bool:
        here("refund.checked")
        return False


@dataclass(frozen=True)
class Watched:
    """A model that may end its process, before it is asked and after it has replied."""

    model: Model
    name: str

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:
        here(f"{self.name}.asked")
        reply = await self.model.ask(request, on_delta)
        here(f"{self.name}.replied")
        return reply


def made() -> Sagents:
    app = Sagents()
    app.agent("office", talk.made())
    models = {"office": Watched(talk.clerk(), "clerk"), "office/bookkeeper": Watched(talk.bookkeeper(), "bookkeeper")}
    return app.with_models(models)


if __name__ == "__main__":
    office.LEDGER, office.CLOSED = Bank(), Archive()
    asyncio.run(main(made()))
    os._exit(0)
