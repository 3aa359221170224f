"""The part of `AgentServer` that shows what was said: rows of transcripts, those of agents that sleep too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sagents import contract
from sagents.client.reach import Reach
from sagents.client.reading import stored_name
from sagents.errors import AgentNotFound, InvalidInput, SagentsError

if TYPE_CHECKING:
    from sagents.commands import NewMessage
    from sagents.display import DisplayMessage

MOST = 1_000
"""Rows that one page may have."""

READ = 200
"""Rows that a search reads at once."""

LOOK_AGAIN, LOOKS = 0.05, 20
"""Seconds between two looks for a new agent, and how many there are."""


class Rows(Reach):
    """Reading is a peek: it wakes nobody and counts as no activity."""

    async def rows(
        self,
        agent_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int = 50,
        text: str | None = None,
    ) -> tuple[DisplayMessage, ...]:
        """A page of the transcript, oldest first: the newest rows, or those next to the row with a number (B-118).

        `after` gives the next ones, `before` the last ones before it. With a `text` only rows that have it, in
        whatever case. Raises `AgentNotFound` where there is neither a transcript nor an agent.
        """
        contract.check_agent_id(agent_id)
        if not 1 <= limit <= MOST or (after is not None and before is not None):
            raise InvalidInput(f"A page has 1 to {MOST:,} rows, after a row or before one, not both.")
        if text is None:
            found = await self._store.rows(agent_id, after=after, before=before, limit=limit)
        else:
            found = await self._search(agent_id, text, after, before, limit)
        if not found and not await self._is_known(agent_id):
            raise AgentNotFound(agent_id)
        return found

    async def _search(
        self, agent_id: str, text: str, after: int | None, before: int | None, limit: int
    ) -> tuple[DisplayMessage, ...]:
        """Page by page in the direction that was asked for, until enough are found."""
        fits = _having(text)
        found: list[DisplayMessage] = []
        while page := await self._store.rows(agent_id, after=after, before=before, limit=READ):
            hits = [row for row in page if fits(row)]
            if after is not None:
                found, after = [*found, *hits], page[-1].number
            else:
                found, before = [*hits, *found], page[0].number
            if len(found) >= limit or len(page) < READ:
                break
        return tuple(found[:limit] if after is not None else found[-limit:])

    async def _is_known(self, agent_id: str) -> bool:
        if await self._store.rows(agent_id, limit=1):
            return True
        return await stored_name(self._store, agent_id) is not None or await self._line.runs(agent_id)

    async def _show(self, agent_id: str, message: NewMessage) -> None:
        """Write the rows of a message that the agent has taken. Where that fails the next model step does.

        A new agent has no place in the store until it is awake; that is waited for a moment, so that what people say
        stands in the order in which they said it.
        """
        from sagents.display import Change
        from sagents.displaying import Showing
        from sagents.events import Event
        from sagents.ports import News

        now = datetime.now(UTC)
        rows = Showing(now).said(message.message)
        about = Event(agent_id=agent_id, type="display_message_saved", at=now)
        news = [News(slot=Change(row).slot, event=about.but(data={"row": row.wire}), row=row) for row in rows]
        with suppress(SagentsError):
            for _ in range(LOOKS if news else 0):
                if events := await self._store.append(agent_id, news, None):
                    await self._channel.publish(agent_id, events)
                    return
                await asyncio.sleep(LOOK_AGAIN)


def _having(text: str) -> Callable[[DisplayMessage], bool]:
    wanted = text.casefold()
    return lambda row: any(wanted in words.casefold() for words in _words(row.content))


def _words(value: Any) -> Iterable[str]:
    """All texts in a row's content, at whatever depth."""
    match value:
        case str():
            yield value
        case dict():
            for part in value.values():
                yield from _words(part)
        case list() | tuple():
            for part in value:
                yield from _words(part)
        case _:
            return
