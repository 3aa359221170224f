"""For who keeps agents and transcripts in a store of their own (B-106, B-115). Ours goes on being the truth.

    app = Sagents(persistence=MyStates(), display=MyMessages())

The first argument of every method is the agent's scope, opaque to us: keeping tenants apart is the method's job
(B-116). All may be sync or async, run on workers, and are called at least once for each thing: ids stay the same, so
that who writes by id writes once. What they raise is logged and stops nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sagents.awaiting import MaybeAwaitable
from sagents.errors import InvalidAgent
from sagents.messages import Message

Context = Mapping[str, Any]
"""`agent_id` and `conversation_id`, and what each method says besides."""


class AgentPersistence(Protocol):
    """Where states go too. One more method may be there:

    `set_interrupted(scope, context, interrupted)`, called when the agent begins or ends to wait for people.
    """

    def persist_state(self, scope: Mapping[str, Any], data: Mapping[str, Any], context: Context, /) -> object:
        """Keep an exported state. `context["lifecycle"]` says why: on_completion, on_cancel, on_error, on_interrupt,

        on_shutdown.
        """
        ...

    def load_state(self, scope: Mapping[str, Any], context: Context, /) -> MaybeAwaitable[Mapping[str, Any] | None]:
        """What `persist_state` kept, None where there is nothing. Asked by `State.load_or_new` and `Coordinator`."""
        ...


class DisplayMessagePersistence(Protocol):
    """Where transcripts go too. Two more methods may be there:

    `resolve_tool_result(scope, tool_call_id, text, context)` when a person has answered what a call asked, and
    `save_synthetic_message(scope, row, context)` for rows that nobody has said: errors, notices, halts, snapshots.
    """

    def save_message(self, scope: Mapping[str, Any], message: Message, context: Context, /) -> object:
        """Keep what a user or the agent said; `context["rows"]` are the rows that people see of it."""
        ...

    def update_tool_status(
        self, scope: Mapping[str, Any], status: str, info: Mapping[str, Any], context: Context, /
    ) -> object:
        """A call is `executing`, `completed`, `failed`, `interrupted` or `cancelled`, or `pending` once it is approved.

        `info` has its `call_id`, `name` and `arguments`, its `result` or `error`, and the `hitl_decision`.
        """
        ...


def checked_persistence(given: Any, kind: type, *names: str) -> Any:
    """The object, if it has what it takes; a class in its place is a mistake. Raises `InvalidAgent`."""
    missing = [name for name in names if given is not None and not callable(getattr(given, name, None))]
    if missing or isinstance(given, type):
        what = "make an object of it" if isinstance(given, type) else f"it has no {' and no '.join(missing)}"
        raise InvalidAgent(f"{kind.__name__} is needed, not {given!r}: {what}.")
    return given
