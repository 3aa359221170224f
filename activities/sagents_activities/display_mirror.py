"""The application's own copy of a transcript (B-106): told of each message and each change, soon and in order."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from sagents.awaiting import called
from sagents.display import ContentType, DisplayMessage, MessageType, RowStatus
from sagents.messages import Message
from sagents.persistence import DisplayMessagePersistence
from sagents.plan import AgentRef
from sagents_activities.patience import heartbeats
from sagents_activities.userland import Userland

log = structlog.get_logger(__name__)

PATIENT, SHORT = 10.0, 2.0
"""Seconds that a callback has in an activity that takes its time, and in one that does not. Then it and all

behind it are given up: the agent goes on, and no tool runs again because its last word was not heard in time.
"""


@dataclass
class DisplayMirror:
    """Calls a `DisplayMessagePersistence` at least once for each thing. What it raises is logged and stops nothing.

    What waits to be told is told by `tell`, one after the other. A method that is not there is left out (B-106).
    """

    persistence: DisplayMessagePersistence | None
    userland: Userland
    agent: AgentRef
    run_id: str | None = None
    _hangs: bool = False
    _waiting: deque[tuple[str, tuple[Any, ...], Mapping[str, Any]]] = field(default_factory=deque)

    def message(self, message: Message | None, rows: Sequence[DisplayMessage]) -> None:
        """Somebody has said something that people see as these rows."""
        if message is not None and rows:
            self._later("save_message", message, rows=tuple(rows))

    def changed(self, rows: Iterable[DisplayMessage], *, resolved: bool = False) -> None:
        """Rows that no message brings: of calls, of their results, and those that nobody has said."""
        rows = tuple(rows)
        results = {row.tool_call_id: row for row in rows if row.content_type is ContentType.TOOL_RESULT}
        for row in rows:
            match row.content_type:
                case ContentType.TOOL_CALL if row.status is not RowStatus.PENDING or "hitl_decision" in row.metadata:
                    self._later("update_tool_status", str(row.status), _info(row, results.get(row.tool_call_id)))
                case ContentType.TOOL_RESULT if resolved:
                    self._later("resolve_tool_result", row.tool_call_id, row.text)
                case ContentType.TOOL_CALL | ContentType.TOOL_RESULT:
                    continue
                case _:
                    if not _is_said(row):
                        self._later("save_synthetic_message", row.wire)

    def _later(self, name: str, *arguments: Any, **about: Any) -> None:
        if self.persistence is not None and not self._hangs:
            self._waiting.append((name, arguments, about))

    async def tell(self) -> None:
        """Tell what waits."""
        while self._waiting:
            name, arguments, about = self._waiting.popleft()
            method: Any = getattr(self.persistence, name, None)
            if method is not None:
                await self._quietly(method, (dict(self.agent.scope), *arguments, {**self._context, **about}), name)

    @property
    def _context(self) -> dict[str, Any]:
        return {
            "agent_id": self.agent.root_id,
            "conversation_id": self.agent.conversation_id,
            "run_id": self.run_id,
        }

    async def _quietly(self, method: Callable[..., Any], arguments: tuple[Any, ...], name: str) -> None:
        async def call() -> None:
            await called(method, *arguments)

        try:
            async with asyncio.timeout(PATIENT if heartbeats() else SHORT):
                await self.userland.run(call)
        except TimeoutError:
            log.warning("a callback hangs", agent=self.agent.agent_id, what=name, left_out=len(self._waiting))
            self._waiting.clear()
            self._hangs = True
        except Exception as error:
            log.warning("a callback failed", agent=self.agent.agent_id, what=name, error=repr(error))


def _is_said(row: DisplayMessage) -> bool:
    """Whether a message brings this row: of a user without a call, or of a reply that streamed."""
    if row.message_type is MessageType.USER:
        return row.tool_call_id is None
    return "stream_id" in row.metadata


def _info(call: DisplayMessage, result: DisplayMessage | None) -> dict[str, Any]:
    """A call, what came of it, and what people decided about it."""
    names = ("name", "display_text", "arguments")
    info = {"call_id": call.tool_call_id, **{name: call.content[name] for name in names if name in call.content}}
    if result is not None and call.ended:
        info["error" if call.status is RowStatus.FAILED else "result"] = result.text
    return info | {name: call.metadata[name] for name in ("hitl_decision",) if name in call.metadata}
