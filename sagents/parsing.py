"""How doors and the kernel read commands: clear words for what is wrong, plain forms accepted."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from sagents.briefs import ChildWaits
from sagents.commands import (
    Cancel,
    Configure,
    Dismiss,
    Execute,
    NotifyMiddleware,
    Reset,
    RestoreState,
    Resume,
    Stop,
    ViewerJoined,
    ViewerLeft,
)
from sagents.errors import InvalidInput
from sagents.lifecycle import Lifecycle
from sagents.refusing import check_depth, explain, parsed
from sagents.starting import StartAgent


def parse_execute(payload: Any = None) -> Execute:
    """An execute command from nothing or its fields."""
    return parsed(Execute, payload or {}, "execute takes nothing, or {until_tool, until_tool_success, max_runs}")


def parse_resume(payload: Any = None) -> Resume:
    """Decisions from a list, a single decision, the name of one (`"approve"`), or nothing."""
    decisions = payload if isinstance(payload, list) else [] if payload in (None, {}) else [payload]
    if isinstance(payload, dict) and "decisions" in payload:
        decisions = payload["decisions"]
    if isinstance(decisions, list):
        decisions = [{"type": item} if isinstance(item, str) else item for item in decisions]
    attestation = payload.get("attestation") if isinstance(payload, dict) and "decisions" in payload else None
    given = {"decisions": decisions, "attestation": attestation}
    return parsed(Resume, given, 'resume takes [{"type": "approve"}, {"type": "reject", ...}, ...]')


def parse_decide(payload: Any) -> Resume:
    """One decision on one interrupt: `{"interrupt_id": ..., "type": "approve", ...}`, beside it an `attestation`."""
    form = 'decide takes {"interrupt_id": ..., "type": "approve" | "edit" | "reject" | "respond", ...}'
    if not isinstance(payload, dict) or not payload.get("interrupt_id"):
        raise InvalidInput(f"{form}; interrupt_id: which interrupt is meant is missing")
    given = {key: value for key, value in payload.items() if key != "attestation"}
    return parsed(Resume, {"decisions": [given], "attestation": payload.get("attestation")}, form)


def parse_cancel(payload: Any = None) -> Cancel:
    """A cancel from nothing, a reason, or `{"reason": ...}`."""
    return parsed(Cancel, _reason(payload), "cancel takes nothing or a reason")


def parse_stop(payload: Any = None) -> Stop:
    """A stop from nothing, a reason, or `{"reason": ..., "patience_ms": ...}`."""
    return parsed(Stop, _reason(payload), 'stop takes nothing, a reason, or {"reason": ..., "patience_ms": ...}')


def parse_viewer_joined(payload: Any) -> ViewerJoined:
    """A viewer from their name or `{"viewer": ..., "connection": ..., "lease_ms": ...}`."""
    return parsed(ViewerJoined, _viewer(payload), 'viewer_joined takes "user-1" or {"viewer": ..., "connection": ...}')


def parse_viewer_left(payload: Any) -> ViewerLeft:
    """Who has left, in the same forms."""
    return parsed(ViewerLeft, _viewer(payload), 'viewer_left takes "user-1" or {"viewer": ..., "connection": ...}')


def parse_reset(payload: Any = None) -> Reset:
    return parsed(Reset, payload or {}, 'reset takes nothing or {"id": ...}')


def parse_restore(payload: Any) -> RestoreState:
    """Where a deposited export is: its key, or `{"key": ...}`."""
    given = {"key": payload} if isinstance(payload, str) else payload
    return parsed(RestoreState, given, 'restore_state takes {"key": ...}, which `AgentServer.restore_state` deposits')


def parse_configure(payload: Any) -> Configure:
    """New options or another lifecycle, which is checked here."""
    command = parsed(Configure, payload, 'configure takes {"lifecycle": {...}, "options": {...}}')
    Lifecycle.from_wire(command.lifecycle or {})
    return command


def parse_dismiss(payload: Any = None) -> Dismiss:
    return parsed(Dismiss, payload or {}, "dismiss_interrupt takes nothing")


def parse_notify(payload: Any) -> NotifyMiddleware:
    form = 'notify_middleware takes {"middleware": <id>, "message": ...}'
    return parsed(NotifyMiddleware, payload, form)


def parse_child(payload: Any) -> ChildWaits:
    """What a sub-agent says of itself."""
    try:
        return ChildWaits.model_validate(payload)
    except ValidationError as error:
        raise InvalidInput(f"child_waits is for sub-agents; {explain(error)}") from None


def _viewer(payload: Any) -> Any:
    return {"viewer": payload} if isinstance(payload, str) else payload


def parse_start(payload: Any) -> StartAgent:
    """The workflow's argument. Raises `InvalidInput` with every field that does not fit."""
    if isinstance(payload, str):
        payload = {"agent": payload}
    if not isinstance(payload, dict) or payload.get("carried") is None:  # what we hand to ourselves was checked before
        check_depth(payload)
    try:
        return StartAgent.model_validate(payload if payload is not None else {})
    except ValidationError as error:
        raise InvalidInput(f"An agent cannot start with this: {explain(error)}") from None


def _reason(payload: Any) -> Any:
    return {"reason": payload} if isinstance(payload, str) else payload or {}
