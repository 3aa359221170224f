"""Interrupts as AG-UI has them, and the answers that come back as decisions of ours.

An approval is answered in the convention of AG-UI, `{"approved": true}` with `editedArgs` or a `reason`; in our own
words, `{"type": "edit", "arguments": {...}}`; or with a plain yes or no. All else takes the value it asks for.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ag_ui.core import Interrupt as Asked
from ag_ui.core import ResumeEntry
from pydantic import JsonValue, ValidationError

from sagents.commands import Answering
from sagents.decisions import DECISION, KINDS_OF_DECISION, Approve, Decision, Edit, Reject, Respond
from sagents.errors import InvalidInput
from sagents.event_types_work import Approval
from sagents.interrupts import Interrupt
from sagents.replies import HALT

PAUSED = "sagents:paused"
"""The reason of a run that was paused: it goes on when somebody says so, without any answer."""


def asked(interrupt: Interrupt, whose: str | None) -> Asked:
    """An interrupt for a page: what is asked, the form of an answer, until when. `whose` is the sub-agent that asks."""
    return Asked(
        id=interrupt.id,
        reason="sagents:halt" if interrupt.is_halt else interrupt.reason,
        message=interrupt.message or None,
        tool_call_id=interrupt.tool_call_id,
        response_schema=response_schema(interrupt),
        expires_at=interrupt.expires_at.isoformat() if interrupt.expires_at else None,
        subagent_run_id=whose,
        metadata={"sagents": _details(interrupt)},
    )


def paused(run_id: str, cause: str | None) -> Asked:
    """A paused run asks for nothing but to go on."""
    return Asked(id=f"paused:{run_id}", reason=PAUSED, message=cause)


def response_schema(interrupt: Interrupt) -> dict[str, JsonValue]:
    """What a client may answer. An approval's form says what is allowed: with `editedArgs` one may edit."""
    if interrupt.response_schema is not None:
        return dict(interrupt.response_schema)
    if interrupt.is_halt:
        return {"type": "string"}
    allowed = interrupt.allowed_decisions
    parts: dict[str, JsonValue] = {"approved": {"type": "boolean"}}
    if "edit" in allowed:
        parts["editedArgs"] = {"type": "object", "description": "All arguments, in the place of those proposed."}
    if "reject" in allowed:
        parts["reason"] = {"type": "string", "description": "Why not; the model reads it."}
    if "respond" in allowed:
        parts["response"] = {"description": "The call's result; it does not run."}
        return {"type": "object", "properties": parts}
    return {"type": "object", "properties": parts, "required": ["approved"]}


def answering(entry: ResumeEntry, interrupt: Interrupt) -> Answering:
    """The decision that an entry means, about the call of the digest that it names, if it does."""
    digest = (entry.metadata or {}).get("digest")
    decision = decision_of(entry, interrupt)
    return Answering(decision=decision, interrupt_id=interrupt.id, digest=digest if isinstance(digest, str) else None)


def decision_of(entry: ResumeEntry, interrupt: Interrupt) -> Decision:
    """What an answer decides. Raises `InvalidInput` for an approval's that says neither yes nor no."""
    if entry.status == "cancelled":
        return Reject()
    if interrupt.response_schema is not None or interrupt.is_halt:
        return Respond(entry.payload)
    answer = {"approved": entry.payload} if isinstance(entry.payload, bool) else entry.payload
    if isinstance(answer, dict) and answer.get("type") in KINDS_OF_DECISION:
        return _own(answer)
    if isinstance(answer, dict) and isinstance(answer.get("approved"), bool):
        return _approval(answer, interrupt)
    if isinstance(answer, dict) and "response" in answer:
        return Respond(answer["response"])
    if interrupt.is_gate:
        raise InvalidInput(f"{interrupt.id!r} is an approval: answer {{'approved': true}} or {{'approved': false}}.")
    return Respond(answer)


def _approval(answer: Mapping[str, Any], interrupt: Interrupt) -> Decision:
    edited, reason = answer.get("editedArgs"), answer.get("reason")
    if not answer["approved"]:
        return Reject(str(reason) if reason else None)
    if edited is None or edited == interrupt.arguments:
        return Approve()
    if not isinstance(edited, dict):
        raise InvalidInput(f"The `editedArgs` of {interrupt.id!r} are an object, not {type(edited).__name__}.")
    return Edit(edited)


def _own(answer: Mapping[str, Any]) -> Decision:
    try:
        decision: Decision = DECISION.validate_python(answer)
    except ValidationError as error:
        raise InvalidInput(f"No decision: {error.errors()[0]['msg']}.") from None
    return decision


def _details(interrupt: Interrupt) -> dict[str, JsonValue]:
    """What our own pages show besides."""
    details: dict[str, JsonValue] = {
        "tool": interrupt.tool,
        "arguments": None if interrupt.arguments is None else dict(interrupt.arguments),
        "allowedDecisions": [*interrupt.allowed_decisions],
        "digest": interrupt.digest or None,
        "risk": interrupt.risk,
        "problem": interrupt.problem,
        "path": [*interrupt.path] or None,
        "data": dict(interrupt.data) or None,
    }
    if interrupt.required_approvals > 1:
        details |= {"approvals": interrupt.approvals, "requiredApprovals": interrupt.required_approvals}
    return {name: value for name, value in details.items() if value is not None}


def from_entry(entry: Approval, path: tuple[str, ...]) -> Interrupt:
    """An interrupt as the event of its asking tells it: without its terms."""
    return Interrupt(
        id=entry.interrupt_id,
        reason=entry.reason,
        message=entry.summary,
        tool_call_id=entry.tool_call_id,
        tool=entry.tool,
        arguments=entry.arguments,
        digest=entry.digest,
        path=path,
    )


def from_status(data: Mapping[str, Any] | None) -> Iterator[tuple[Interrupt, str | None]]:
    """The interrupts that the data of a status event tell of, as much as they tell, and which sub-agent asks."""
    for part in (data or {}).get("interrupts", ()):
        yield from from_status(part)
    for request in (data or {}).get("action_requests", ()):
        tool = request["tool_name"]
        allowed = (data or {}).get("review_configs", {}).get(tool, {}).get("allowed_decisions", KINDS_OF_DECISION)
        about = {"arguments": request["arguments"], "digest": request["digest"], "allowed_decisions": tuple(allowed)}
        yield _interrupt(request, tool=tool, message=request["display_text"], **about), None
    if data and "interrupt_id" in data and "action_requests" not in data:
        reason = HALT if data.get("type") == HALT else "input_required"
        about = {"reason": reason, "message": data.get("message") or data.get("question") or ""}
        schema, allowed = data.get("response_schema"), tuple(data.get("allowed_decisions", KINDS_OF_DECISION))
        path = tuple(data.get("path", ()))
        interrupt = _interrupt(data, **about, response_schema=schema, allowed_decisions=allowed, path=path)
        yield interrupt, data.get("sub_agent_id")


def _interrupt(data: Mapping[str, Any], **about: Any) -> Interrupt:
    return Interrupt(id=data["interrupt_id"], tool_call_id=data["tool_call_id"], **about)
