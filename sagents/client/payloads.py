"""What travels to agents, checked at the door: Temporal and the kernel never see what does not fit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from pydantic import ValidationError

from sagents import contract
from sagents.errors import InvalidInput

if TYPE_CHECKING:
    from sagents.commands import Answering
    from sagents.contract import Opening
    from sagents.decision_log import Remember
    from sagents.decisions import Decision
    from sagents.lifecycle import Lifecycle
    from sagents.messages import ContentPart, Message

Payload = dict[str, Any]
Content: TypeAlias = "str | Message | Sequence[ContentPart]"
Decisions: TypeAlias = "Decision | Answering | Sequence[Decision | Answering]"


def start(
    name: str,
    conversation_id: str | None,
    messages: Iterable[Message | str],
    lifecycle: Lifecycle | None,
    scope: Mapping[str, Any] | None,
    options: Mapping[str, Any] | None,
) -> Opening:
    """The workflow's argument. `scope` and `options` are plain JSON, and all of it together is of a modest size."""
    from sagents.messages import Message

    past = tuple(Message.user(message) if isinstance(message, str) else message for message in messages)
    try:
        argument = contract.Opening(
            agent=name,
            conversation_id=conversation_id,
            messages=past,
            lifecycle=lifecycle.wire() if lifecycle else {},
            scope=scope or {},
            options=options or {},
        )
    except ValidationError as error:
        raise InvalidInput(f"An agent cannot start with this: {contract.explain(error)}") from None
    size = len(argument.model_dump_json())
    if size > contract.MAX_MESSAGE_BYTES:
        raise InvalidInput(f"An agent may start with {contract.MAX_MESSAGE_BYTES:,} bytes at most, not {size:,}.")
    return argument


def message(content: Content, id: str | None, display: Content | None, sender: str | None = None) -> Payload:
    """A user's message. It gets its id here, so that whoever sends it again sends the same one."""
    from sagents.messages import Message, Role

    if isinstance(content, Message):
        if content.role is not Role.USER:
            raise InvalidInput(f"A user's message is needed, not one of role {content.role}.")
        id, content = id or content.id, content.content or ""
    if isinstance(display, Message):
        display = display.content or ""
    payload: Payload = {"content": content, "id": id or f"msg_{uuid4().hex}", "display": display, "sender": sender}
    checked = contract.parse_message(payload)
    return {**checked.model_dump(mode="json"), "id": checked.id}


def execute(until_tool: Sequence[str], until_tool_success: Sequence[str], max_runs: int | None) -> Payload:
    """The wish to run, with an id of its own."""
    options = {"until_tool": _names(until_tool), "until_tool_success": _names(until_tool_success), "max_runs": max_runs}
    checked = contract.parse_execute({**options, "id": f"exe_{uuid4().hex}"})
    return {**checked.model_dump(mode="json"), "id": checked.id}


def decisions(given: Decisions) -> list[Payload]:
    """Decisions as the wire has them: flat, each with its interrupt's id where it names one."""
    several = given if isinstance(given, Sequence) else (given,)
    written = [_written(item) for item in several]
    _check_size(written)
    contract.parse_resume(written)
    return written


def decision(interrupt_id: str, given: Decision, digest: str | None, remember: Remember | None) -> Payload:
    """One decision about one interrupt, flat."""
    written = {**_written(given), **_beside(interrupt_id, digest, remember)}
    _check_size(written)
    contract.parse_decide(written)
    return written


def _check_size(written: Any) -> None:
    size = len(json.dumps(written))
    if size > contract.MAX_MESSAGE_BYTES:
        raise InvalidInput(f"Decisions may have {contract.MAX_MESSAGE_BYTES:,} bytes at most, not {size:,}.")


def _beside(interrupt_id: str | None, digest: str | None, remember: Remember | None) -> Payload:
    beside = {"interrupt_id": interrupt_id, "digest": digest}
    given = {name: value for name, value in beside.items() if value is not None}
    return given if remember is None else {**given, "remember": remember.model_dump(mode="json")}


def _written(item: Decision | Answering) -> Payload:
    from sagents.commands import Answering
    from sagents.decisions import Approve, Edit, Reject, Respond

    if isinstance(item, Answering):
        return {**_written(item.decision), **_beside(item.interrupt_id, item.digest, item.remember)}
    match item:
        case Approve():
            return {"type": item.type} | ({"extend": item.extend} if item.extend else {})
        case Edit():
            return {"type": item.type, "arguments": item.arguments}
        case Reject():
            return {"type": item.type} | ({"reason": item.reason} if item.reason else {})
        case Respond():
            return {"type": item.type, "content": item.content}
        case _:
            raise InvalidInput(f"Approve, Edit, Reject or Respond is needed, not {type(item).__name__}.")


def _names(names: Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
