"""Handing over what a client of AG-UI brings: answers to what waits, then what the user said."""

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress

from ag_ui.core import CustomEvent, ResumeEntry, RunAgentInput

from sagents.client import AgentServer
from sagents.commands import Answering
from sagents.errors import AgentNotFound, CannotResume, InvalidInput, NotPossible
from sagents.interrupts import Interrupt
from sagents.principal import Principal
from sagents_infra.ag_ui.interrupts import answering
from sagents_infra.ag_ui.requests import content_of, said

CHANNEL = "ag-ui"
"""Where a decision came from, for its record."""

MIDDLEWARE = "ag_ui"
"""Which middleware hears of a page's `context` and `forwardedProps`."""


class Handing:
    """What one request brings. What is not taken is told as CUSTOM `not_taken`, and its interrupt goes on waiting."""

    def __init__(self, server: AgentServer, agent_id: str, request: RunAgentInput, principal: Principal | None) -> None:
        self._server, self._agent_id, self._request, self._principal = server, agent_id, request, principal

    async def over(self) -> AsyncIterator[CustomEvent]:
        """Hand it over. Answers are one decision of all: either every one of them is taken, or none is."""
        try:
            async for problem in self._answer(self._request.resume or ()):
                yield problem
        except (CannotResume, InvalidInput) as error:
            yield _not_taken(error, getattr(error, "interrupt_id", None))
        await self._tell_context()
        sender = self._principal.subject if self._principal else None
        for message in said(self._request):
            await self._server.add_message(self._agent_id, content_of(message), id=message.id, sender=sender)

    async def _tell_context(self) -> None:
        """What the page says of itself, to the middleware that wants it (B-155). Nobody has checked it."""
        context = [one.model_dump(mode="json", by_alias=True) for one in self._request.context or ()]
        told = {"context": context, "forwardedProps": self._request.forwarded_props}
        if any(told.values()):
            with suppress(AgentNotFound):
                await self._server.notify_middleware(self._agent_id, MIDDLEWARE, told)

    async def _answer(self, entries: Iterable[ResumeEntry]) -> AsyncIterator[CustomEvent]:
        given = {entry.interrupt_id: entry for entry in entries}
        waiting = {one.id: one for one in await self._server.interrupts(self._agent_id)} if given else {}
        answers: list[Answering] = []
        for which, entry in given.items():
            if which in waiting:
                answers += await self._read(entry, waiting[which])
            elif which.startswith("paused:"):
                await self._go_on(entry)
            else:
                yield _not_taken(InvalidInput("Nothing of this id waits (any more)."), which)
        if answers:
            await self._server.resume(self._agent_id, answers, principal=self._principal, channel=CHANNEL)

    async def _read(self, entry: ResumeEntry, interrupt: Interrupt) -> list[Answering]:
        if interrupt.is_halt and entry.status == "cancelled":
            await self._server.dismiss_interrupt(self._agent_id)
            return []
        return [answering(entry, interrupt)]

    async def _go_on(self, entry: ResumeEntry) -> None:
        if entry.status == "resolved":
            await self._server.resume(self._agent_id, principal=self._principal, channel=CHANNEL)


def _not_taken(error: InvalidInput | NotPossible, which: str | None) -> CustomEvent:
    about = {"interruptId": which, "code": type(error).__name__, "message": str(error)}
    pointer = getattr(error, "pointer", None)
    return CustomEvent(name="not_taken", value={**about, "pointer": pointer} if pointer else about)
