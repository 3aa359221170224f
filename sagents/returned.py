"""What a tool returned, as the result that a conversation keeps (B-15)."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from sagents import replies
from sagents.clipping import clipped
from sagents.interrupts import Raised
from sagents.messages import ContentPart, ToolCall, ToolResult
from sagents.metadata import patch
from sagents.nesting import MAX_DEPTH, is_deep
from sagents.placeholders import placeholder
from sagents.plan import CallResult
from sagents.state import State, StateDelta

MAX_RESULT_CHARACTERS = 1024 * 1024
"""A larger result would fill a model's context many times over; the tool is told to return less."""

MAX_ERROR_CHARACTERS = 8_000

DONE = "done"
"""What the model reads of a tool that returned nothing."""

JSON_OPTIONS: dict[str, JsonValue] = {"json": True}
"""Marks a result whose text is the JSON of a value, so that programs can have the value back."""


class Unusable(Exception):
    """What a tool returned cannot be kept; the message is for the model and for whoever reads along."""


def failed(call: ToolCall, text: str) -> CallResult:
    """An error that the model reads as the call's result. Exceptions may quote what they choked on, however long."""
    content = clipped(text, MAX_ERROR_CHARACTERS)
    return CallResult(result=ToolResult(tool_call_id=call.call_id, name=call.name, content=content, is_error=True))


def kept(call: ToolCall, value: object, read: State | None) -> CallResult:
    """The call's result. `read` is the state that the tool has seen. Raises `Unusable`."""
    result = _of(call, value, read)
    try:
        size = len(result.model_dump_json())
    except (ValueError, RecursionError) as error:
        raise Unusable(f"it returned what is no JSON: {error}") from None
    if size > MAX_RESULT_CHARACTERS:
        raise Unusable(f"it returned {size:,} characters, {MAX_RESULT_CHARACTERS:,} fit; ask for a part of it")
    if is_deep(result.model_dump(mode="json")):
        raise Unusable(f"it returned a value that is nested deeper than {MAX_DEPTH} levels; return its text")
    return result


def asked(call: ToolCall, raised: Raised) -> CallResult:
    """The call's result while a person is asked."""
    if is_deep(raised.model_dump(mode="json")):
        return failed(call, f"Its question could not be asked: its data are nested deeper than {MAX_DEPTH} levels.")
    return CallResult(result=placeholder(call, raised), raised=raised)


def _of(call: ToolCall, value: object, read: State | None) -> CallResult:
    match value:
        case replies.ToolResult():
            answer = _answer(call, value.content)
            answer = answer.but(is_error=value.is_error)
            return CallResult(result=answer, delta=value.state, processed=_json(value.artifacts))
        case replies.Pause():
            return CallResult(result=_answer(call, value.cause), paused=True, pause=value.cause)
        case StateDelta():
            return CallResult(result=_answer(call, None), delta=value)
        case State():
            return CallResult(result=_answer(call, None), delta=added(read or State(), value))
        case _:
            return CallResult(result=_answer(call, value))


def _answer(call: ToolCall, value: object) -> ToolResult:
    if value is None or isinstance(value, str):
        return ToolResult(tool_call_id=call.call_id, name=call.name, content=DONE if value is None else value)
    if parts := _parts(value):
        return ToolResult(tool_call_id=call.call_id, name=call.name, content=parts)
    text = _text(value)
    return ToolResult(tool_call_id=call.call_id, name=call.name, content=text, options=JSON_OPTIONS)


def _parts(value: object) -> tuple[ContentPart, ...]:
    """The parts, where the value is one or a list of them: images and files for the model to see."""
    if isinstance(value, ContentPart):
        return (value,)
    if isinstance(value, Sequence) and value and all(isinstance(part, ContentPart) for part in value):
        return tuple(value)
    return ()


def _text(value: object) -> str:
    try:
        return to_json(value, inf_nan_mode="null").decode()
    except (ValueError, RecursionError) as error:
        raise Unusable(f"it returned a value of type {type(value).__name__}, which is no JSON: {error}") from None


def _json(value: object) -> JsonValue:
    plain: JsonValue = from_json(_text(value)) if value is not None else None
    return plain


def added(read: State, returned: State) -> StateDelta:
    """What a tool has added to the state it read. It cannot change what was said. Raises `Unusable`."""
    seen = len(read.messages)
    if len(returned.messages) < seen or any(a != b for a, b in zip(read.messages, returned.messages, strict=False)):
        raise Unusable("it returned a State in which earlier messages are changed; a tool may only add messages")
    changed = patch(dict(read.metadata), dict(returned.metadata))
    if changed is None:
        raise Unusable("it returned a State in which metadata is missing; a tool may add and change metadata only")
    todos = None if returned.todos == read.todos else returned.todos
    return StateDelta(messages=returned.messages[seen:], todos=todos, metadata=changed)
