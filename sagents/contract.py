"""The wire contract: names and payloads that `temporal` CLI, UI, Lambda and other languages use (DESIGN section 5).

Stable. Every door parses with this module: clear words for what is wrong, plain forms accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ConfigDict, Field, JsonValue, ValidationError

from sagents.briefs import ChildWaits
from sagents.carried import Carried
from sagents.commands import (
    Cancel,
    Command,
    Configure,
    Dismiss,
    Execute,
    NewMessage,
    NotifyMiddleware,
    Reset,
    RestoreState,
    Resume,
    Stop,
    ViewerJoined,
    ViewerLeft,
)
from sagents.errors import InvalidInput
from sagents.frozen import Frozen
from sagents.interrupts import Interrupt, InterruptStatus
from sagents.lifecycle import Lifecycle
from sagents.messages import Message
from sagents.nesting import MAX_DEPTH, is_deep
from sagents.plan import AgentRef, RunError, Sub
from sagents.ports import Base
from sagents.status import Status
from sagents.todo import Todo
from sagents.viewers import Viewer

AGENT_WORKFLOW = "AgentWorkflow"
SUB_AGENT_WORKFLOW = "SubAgentWorkflow"
TASK_QUEUE = "sagents"

ADD_MESSAGE = "add_message"
EXECUTE = "execute"
RESUME = "resume"
DECIDE = "decide"
CANCEL = "cancel"
STOP = "stop"
TOUCH = "touch"
RESET = "reset"
RESTORE_STATE = "restore_state"
CONFIGURE = "configure"
DISMISS_INTERRUPT = "dismiss_interrupt"
NOTIFY_MIDDLEWARE = "notify_middleware"
VIEWER_JOINED = "viewer_joined"
VIEWER_LEFT = "viewer_left"
CHILD_WAITS = "child_waits"
"""Internal: how a sub-agent tells its parent that it waits for people, or goes on."""

STATUS = "status"
INFO = "info"
STATE = "state"
MESSAGES = "messages"
TODOS = "todos"
INTERRUPTS = "interrupts"
INACTIVITY = "inactivity"
PAGE = "page"
"""Internal: how activities read the head and the tail of their own workflow."""

AGENT_ID = re.compile(r"[A-Za-z0-9._:@-]{1,200}")
SUB_AGENT_ID = re.compile(rf"{AGENT_ID.pattern}(/[A-Za-z0-9._-]{{1,150}}){{1,20}}")
MAX_MESSAGE_BYTES = 2 * 1024 * 1024

SEARCH_ATTRIBUTES = ("AgentName", "AgentStatus", "ConversationId", "AgentOwner", "AgentTenant")

C = TypeVar("C", bound=Command)


class StartAgent(Frozen):
    """The one argument of `AgentWorkflow`. Only `agent` is required, and not even that with one agent registered.

    `carried` is what a workflow run hands to the next one, `sub` what a parent gives its sub-agent; nobody else sets
    them.
    """

    model_config = ConfigDict(extra="ignore")

    agent: str = ""
    conversation_id: str | None = None
    options: Mapping[str, JsonValue] = Field(default_factory=dict)
    scope: Mapping[str, JsonValue] = Field(default_factory=dict)
    lifecycle: Mapping[str, JsonValue] = Field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    carried: Carried | None = None
    sub: Sub | None = None

    @classmethod
    def of(cls, agent: AgentRef) -> StartAgent:
        """What a sub-agent is started with."""
        return cls(
            agent=agent.name,
            conversation_id=agent.conversation_id,
            options=agent.options,
            scope=agent.scope,
            sub=agent.sub,
        )


class DecisionAnswer(Frozen):
    """Where an interrupt stands after a decision; for the same decision given again, the same answer.

    It is `pending` while more approvals are needed: `approvals` of `required` people agree by now.
    """

    interrupt_id: str
    status: InterruptStatus
    by: str | None = None
    at: datetime | None = None
    approvals: int = 0
    required: int = 1


class Accepted(Frozen):
    """A command was taken. `id` is the message's; the same for every repetition of it.

    `decisions` says where each interrupt stands that was decided about.
    """

    id: str | None = None
    status: Status = Status.RUNNING
    run_ends_within_ms: int = 0
    """After a stop: how long the run under way may take to end."""
    decisions: tuple[DecisionAnswer, ...] = ()


class AgentInfo(Frozen):
    """The answer to `info` (L-62)."""

    agent_id: str
    agent: str
    status: Status
    message_count: int = 0
    has_interrupt: bool = False
    uptime_ms: int = 0
    conversation_id: str | None = None
    run_id: str | None = None
    workflow_run_id: str = ""
    step: int = 0
    last_activity_at: datetime | None = None
    started_at: datetime | None = None
    queued: int = 0
    viewers: tuple[Viewer, ...] = ()
    topic: str = ""
    """What viewers look at: `presence.topic` of the lifecycle, else the conversation."""
    error: RunError | None = None
    problem: str | None = None
    history_bytes: int = 0
    history_events: int = 0
    waking: bool = False
    """Its earlier state is not read yet, so most figures mean nothing."""


class Inactivity(Frozen):
    """The answer to `inactivity` (L-26). `leaves_at` and `reason` are when and why it goes if nothing happens."""

    inactivity_timeout_ms: int | None = None
    last_activity_at: datetime | None = None
    time_since_activity_ms: int = 0
    timer_active: bool = False
    leaves_at: datetime | None = None
    reason: str | None = None


class StateView(Frozen):
    """The answer to `state` and `messages`: what was said lately, and where the rest is."""

    messages: tuple[Message, ...] = ()
    earlier: int = 0
    todos: tuple[Todo, ...] = ()
    position: int = 0
    digest: str = ""
    base: Base = Base()
    pending_message: Message | None = None
    """All that waits to be heard, as the one message that it will be (B-74)."""
    waking: bool = False
    """Its earlier state is not read yet: what is here is not all."""


class InterruptView(Frozen):
    """One line of the answer to `interrupts`. `agent_id` is whose it is: a sub-agent's is decided there."""

    interrupt: Interrupt
    agent_id: str = ""
    answer_with: str = ""


def check_agent_id(agent_id: str) -> str:
    """The id itself; raises `InvalidInput` where Temporal or a store would choke on it."""
    if not AGENT_ID.fullmatch(agent_id):
        raise InvalidInput(f"{agent_id!r} is no agent id: 1 to 200 letters, digits and . _ : @ - are allowed.")
    return agent_id


def check_address(agent_id: str) -> str:
    """The id itself, where a sub-agent may be meant too; raises `InvalidInput`."""
    return agent_id if SUB_AGENT_ID.fullmatch(agent_id) else check_agent_id(agent_id)


def is_sub_agent(agent_id: str) -> bool:
    return "/" in agent_id


def only(payloads: Sequence[Any]) -> Any:
    """The one payload that a start or a signal has; None where there is none."""
    if len(payloads) > 1:
        raise InvalidInput(f"One payload is taken, not {len(payloads)}: give `--input` once.")
    return payloads[0] if payloads else None


def parse_message(payload: Any) -> NewMessage:
    """A message from `"text"`, `{"content": ...}` or a JSON text of either."""
    if isinstance(payload, str):
        payload = {"content": payload}
    message = _parse(NewMessage, payload, 'add_message takes "text" or {"content": ..., "id": ...}')
    if len(json.dumps(message.model_dump(mode="json"))) > MAX_MESSAGE_BYTES:
        raise InvalidInput(f"A message may have {MAX_MESSAGE_BYTES:,} bytes at most; put larger content in a file.")
    return message


def parse_execute(payload: Any = None) -> Execute:
    """An execute command from nothing or its fields."""
    return _parse(Execute, payload or {}, "execute takes nothing, or {until_tool, until_tool_success, max_runs}")


def parse_resume(payload: Any = None) -> Resume:
    """Decisions from a list, a single decision, the name of one (`"approve"`), or nothing."""
    decisions = payload if isinstance(payload, list) else [] if payload in (None, {}) else [payload]
    if isinstance(payload, dict) and "decisions" in payload:
        decisions = payload["decisions"]
    if isinstance(decisions, list):
        decisions = [{"type": item} if isinstance(item, str) else item for item in decisions]
    attestation = payload.get("attestation") if isinstance(payload, dict) and "decisions" in payload else None
    given = {"decisions": decisions, "attestation": attestation}
    return _parse(Resume, given, 'resume takes [{"type": "approve"}, {"type": "reject", ...}, ...]')


def parse_decide(payload: Any) -> Resume:
    """One decision on one interrupt: `{"interrupt_id": ..., "type": "approve", ...}`, beside it an `attestation`."""
    form = 'decide takes {"interrupt_id": ..., "type": "approve" | "edit" | "reject" | "respond", ...}'
    if not isinstance(payload, dict) or not payload.get("interrupt_id"):
        raise InvalidInput(f"{form}; interrupt_id: which interrupt is meant is missing")
    given = {key: value for key, value in payload.items() if key != "attestation"}
    return _parse(Resume, {"decisions": [given], "attestation": payload.get("attestation")}, form)


def parse_cancel(payload: Any = None) -> Cancel:
    """A cancel from nothing, a reason, or `{"reason": ...}`."""
    return _parse(Cancel, _reason(payload), "cancel takes nothing or a reason")


def parse_stop(payload: Any = None) -> Stop:
    """A stop from nothing, a reason, or `{"reason": ..., "patience_ms": ...}`."""
    return _parse(Stop, _reason(payload), 'stop takes nothing, a reason, or {"reason": ..., "patience_ms": ...}')


def parse_viewer_joined(payload: Any) -> ViewerJoined:
    """A viewer from their name or `{"viewer": ..., "connection": ..., "lease_ms": ...}`."""
    return _parse(ViewerJoined, _viewer(payload), 'viewer_joined takes "user-1" or {"viewer": ..., "connection": ...}')


def parse_viewer_left(payload: Any) -> ViewerLeft:
    """Who has left, in the same forms."""
    return _parse(ViewerLeft, _viewer(payload), 'viewer_left takes "user-1" or {"viewer": ..., "connection": ...}')


def parse_reset(payload: Any = None) -> Reset:
    return _parse(Reset, payload or {}, 'reset takes nothing or {"id": ...}')


def parse_restore(payload: Any) -> RestoreState:
    """Where a deposited export is: its key, or `{"key": ...}`."""
    given = {"key": payload} if isinstance(payload, str) else payload
    return _parse(RestoreState, given, 'restore_state takes {"key": ...}, which `AgentServer.restore_state` deposits')


def parse_configure(payload: Any) -> Configure:
    """New options or another lifecycle, which is checked here."""
    command = _parse(Configure, payload, 'configure takes {"lifecycle": {...}, "options": {...}}')
    Lifecycle.from_wire(command.lifecycle or {})
    return command


def parse_dismiss(payload: Any = None) -> Dismiss:
    return _parse(Dismiss, payload or {}, "dismiss_interrupt takes nothing")


def parse_notify(payload: Any) -> NotifyMiddleware:
    form = 'notify_middleware takes {"middleware": <id>, "message": ...}'
    return _parse(NotifyMiddleware, payload, form)


def parse_child(payload: Any) -> ChildWaits:
    """What a sub-agent says of itself."""
    try:
        return ChildWaits.model_validate(payload)
    except ValidationError as error:
        raise InvalidInput(f"{CHILD_WAITS} is for sub-agents; {explain(error)}") from None


def _viewer(payload: Any) -> Any:
    return {"viewer": payload} if isinstance(payload, str) else payload


def parse_start(payload: Any) -> StartAgent:
    """The workflow's argument. Raises `InvalidInput` with every field that does not fit."""
    if isinstance(payload, str):
        payload = {"agent": payload}
    if not isinstance(payload, dict) or payload.get("carried") is None:  # what we hand to ourselves was checked before
        _check_depth(payload)
    try:
        return StartAgent.model_validate(payload if payload is not None else {})
    except ValidationError as error:
        raise InvalidInput(f"An agent cannot start with this: {explain(error)}") from None


def _reason(payload: Any) -> Any:
    return {"reason": payload} if isinstance(payload, str) else payload or {}


def _parse(kind: type[C], payload: Any, form: str) -> C:
    _check_depth(payload)
    try:
        return kind.model_validate(payload)
    except ValidationError as error:
        raise InvalidInput(f"{form}; {explain(error)}") from None


def _check_depth(payload: Any) -> None:
    if is_deep(payload):
        raise InvalidInput(f"The payload is nested too deeply: {MAX_DEPTH} levels are taken at most.")


def explain(error: ValidationError) -> str:
    """What does not fit, field by field, without pydantic's links and the values themselves."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'the payload'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:5]
    )
