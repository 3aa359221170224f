"""Arguments that people give to a call instead of the model's: checked before they are taken, told to the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import JsonValue
from pydantic_core import to_json

from sagents.clipping import clipped
from sagents.decisions import Edit
from sagents.errors import InvalidDecision
from sagents.head import Head
from sagents.mistakes import InvalidArguments
from sagents.plan import CallRequest, CallResult
from sagents.replies import WrongAnswer
from sagents.results import Decided
from sagents.tool_schema import SchemaParameters
from sagents.tools import Tool

CHANGED = "A person changed this call's arguments before it ran: {arguments}"
NOBODY = "Nobody answered in time whether this call may run; it ran as was agreed for that case."
NOBODY_CHANGED = f"{NOBODY} Its arguments were changed to {{arguments}}"


def check_edit(tool: Tool[..., Any], arguments: Mapping[str, JsonValue]) -> None:
    """Raises `WrongAnswer` where the tool does not take these; its `pointer` leads into the decision."""
    try:
        tool.validated(arguments)
    except InvalidArguments as error:
        why = f"The arguments do not fit {tool.name!r}: {'; '.join(error.mistakes)}"
        raise WrongAnswer(why, pointer=f"/arguments{error.pointers[0] if error.pointers else ''}") from None
    _check_values(tool, arguments)


def _check_values(tool: Tool[..., Any], arguments: Mapping[str, JsonValue]) -> None:
    """A tool of a schema looks at names alone, its values are its owner's matter: too late for who edits them."""
    if not isinstance(tool.arguments, SchemaParameters):
        return
    from sagents.json_schema import problem  # it loads slowly, and few tools are of a schema

    found = problem(tool.parameters, dict(arguments))
    if found is not None:
        why = f"The arguments do not fit {tool.name!r}: {found.message}"
        raise WrongAnswer(why, pointer=f"/arguments{found.pointer}")


def check_edits(head: Head, tools: Mapping[str, Tool[..., Any]], decisions: Iterable[Decided]) -> None:
    """Raises `InvalidDecision` for the first decision whose arguments its tool does not take."""
    for decided in decisions:
        interrupt = head.interrupt(decided.interrupt_id)
        tool = tools.get(interrupt.tool or "") if interrupt and interrupt.is_gate else None
        if tool is None or not isinstance(decided.decision, Edit):
            continue
        try:
            check_edit(tool, decided.decision.arguments)
        except Exception as error:  # a validator is user code
            pointer = error.pointer if isinstance(error, WrongAnswer) else ""
            agent_id, status = head.agent.agent_id, str(head.status)
            raise InvalidDecision(agent_id, status, str(error), decided.interrupt_id, pointer) from error


def noted(result: CallResult, request: CallRequest) -> CallResult:
    """The result with what the model has to know about its call: that it ran otherwise than it was asked for."""
    note = _note(request)
    return result if note is None else result.but(result=result.result.but(note=note))


def _note(request: CallRequest) -> str | None:
    if request.arguments is None:
        return NOBODY if request.expired else None
    text = NOBODY_CHANGED if request.expired else CHANGED
    return text.format(arguments=clipped(to_json(request.arguments).decode()))
