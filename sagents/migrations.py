"""Reading states of every format there was. 1 and 2 are the reference's, 3 is ours; what we write has a version.

    1 ──task_named──▸ 2 ──from_reference──▸ 3 (now)

All of it works on JSON, before anything is parsed, and on every way in (T-56, T-63, E-21).
"""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from sagents.errors import InvalidState
from sagents.messages import MessageStatus, PartType

VERSION = 3
TASK_TOOLS = ("task", "get_task_instructions")

Json = dict[str, Any]


class NewerState(InvalidState):
    """A state of a format that this program does not know yet. It is not damaged: a newer program reads it."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(
            f"This state has format version {version}, this program reads up to {VERSION}: "
            "upgrade it before it writes for this agent."
        )


def is_envelope(data: Mapping[str, Any]) -> bool:
    """Whether this is all of an export, not only its `state`."""
    return "state" in data and ("version" in data or "messages" not in data)


def whole(exported: Any) -> Mapping[str, Any]:
    """`exported`, which must be all of an export, or `InvalidState`."""
    if not isinstance(exported, Mapping) or not isinstance(exported.get("state"), Mapping):
        raise InvalidState('No valid export: it needs a "state" that is a mapping; `export_state` writes one.')
    return exported


def opened(exported: Any) -> Json:
    """The current form of the state in an export, or `InvalidState`; a version that is missing is 1."""
    return migrated(whole(exported)["state"], exported.get("version", 1))


def current(state: Any) -> Json:
    """The current form of a bare state, whose version nobody wrote down, or `InvalidState`."""
    if not isinstance(state, Mapping):
        raise InvalidState(f"No valid State: a mapping is needed, not {type(state).__name__}.")
    return migrated(state, 1 if _is_reference(state) else VERSION)


def migrated(data: Mapping[str, Any], version: Any) -> Json:
    """`data` of that version in the current form."""
    if type(version) is not int or version < 1:
        raise InvalidState(f"No valid State: {version!r} is no format version.")
    if version > VERSION:
        raise NewerState(version)
    migrated = dict(data)
    for step in range(version, VERSION):
        migrated = _each(migrated, "messages", MIGRATIONS[step])
    return migrated


def message_of_version(data: Mapping[str, Any], version: Any) -> Json:
    """One message of that version in the current form."""
    message: Json = migrated({"messages": [data]}, version)["messages"][0]
    return message


def _is_reference(state: Mapping[str, Any]) -> bool:
    """The reference marks its calls with a type, we do not."""
    messages = state.get("messages")
    calls = [call for message in _maps(messages) for call in _maps(message.get("tool_calls"))]
    return any("type" in call for call in calls)


def _task_named(message: Json) -> Json:
    """1 → 2: the argument `subagent_type` of the two sub-agent tools was renamed `task_name`."""
    return _each(message, "tool_calls", _task_named_call)


def _task_named_call(call: Json) -> Json:
    arguments = call.get("arguments")
    if call.get("name") not in TASK_TOOLS or not isinstance(arguments, Mapping) or "subagent_type" not in arguments:
        return call
    renamed = {"task_name": arguments["subagent_type"], **arguments}
    del renamed["subagent_type"]
    return {**call, "arguments": renamed}


def _from_reference(message: Json) -> Json:
    """2 → 3: no nulls, no `type` that is always "function", words we do not know as the safe one (T-60, T-61)."""
    ours = {"role": "user", **_said(message)}
    if not _is_word(ours.get("status"), MessageStatus):
        ours.pop("status", None)
    ours = _each(_each(ours, "tool_calls", _call), "tool_results", _result)
    return _each(ours, "content", _part)


def _call(call: Json) -> Json:
    ours = {"call_id": "", "name": "", **_said(call, but="type")}
    arguments = ours.get("arguments", {})
    readable = isinstance(arguments, Mapping | str)
    return {**ours, "arguments": arguments if readable else json.dumps(arguments, ensure_ascii=False)}


def _result(result: Json) -> Json:
    """An interrupt comes without its data: `interrupt_data_b64` is an Erlang term, so the sweep demotes it (T-41)."""
    ours = {"tool_call_id": "", **_said(result, but="type")}
    ours.pop("interrupt_data_b64", None)
    return _each(ours, "content", _part)


def _part(part: Json) -> Json:
    ours = {"type": "text", **_said(part)}
    if not _is_word(ours["type"], PartType):
        ours["type"] = PartType.UNSUPPORTED
    if not isinstance(ours.get("options"), Mapping):
        ours.pop("options", None)
    return ours


MIGRATIONS: dict[int, Callable[[Json], Json]] = {1: _task_named, 2: _from_reference}


def _is_word(value: Any, words: type[StrEnum]) -> bool:
    return isinstance(value, str) and value in {str(word) for word in words}


def _said(data: Json, but: str = "") -> Json:
    return {key: value for key, value in data.items() if value is not None and key != but}


def _maps(items: Any) -> list[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list | tuple) else []


def _each(data: Json, key: str, change: Callable[[Json], Json]) -> Json:
    """`data` with `change` applied to each map in the list under `key`; all else is left for validation to judge."""
    items = data.get(key)
    if not isinstance(items, list | tuple):
        return data
    return {**data, key: [change(dict(item)) if isinstance(item, Mapping) else item for item in items]}
