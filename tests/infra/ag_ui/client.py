"""A client of AG-UI that trusts nobody: it reads bytes, checks every rule of order, and folds what a page would show.

Made of the specification's words, not of our code: what a producer must not do fails an assertion here.
"""

import json
from collections.abc import Iterable
from typing import Any

from ag_ui.core import BaseEvent, Event, Message
from ag_ui.encoder import EventEncoder
from pydantic import TypeAdapter

EVENT: TypeAdapter[Any] = TypeAdapter(Event)
MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


class Page:
    """What a page has after the events so far: messages by id, the state, runs and how they ended."""

    def __init__(self, messages: Iterable[dict[str, Any]] = (), state: Any = None) -> None:
        self.messages: dict[str, dict[str, Any]] = {one["id"]: dict(one) for one in messages}
        self.state: Any = state or {}
        self.events: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.custom: list[tuple[str, Any]] = []
        self.subagents: dict[str, dict[str, Any]] = {}
        self.run: dict[str, Any] | None = None
        self._open: dict[tuple[str, str], str | None] = {}
        self._owners: dict[str, str | None] = {}
        self._active: set[str] = set()
        self._ended: set[str] = set()
        self._calls: dict[str, bool] = {}

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def texts(self) -> list[str]:
        """What the agent has said, in order; nothing twice."""
        return [one["content"] for one in self.messages.values() if one["role"] == "assistant" and one.get("content")]

    @property
    def results(self) -> dict[str, str]:
        return {one["toolCallId"]: one["content"] for one in self.messages.values() if one["role"] == "tool"}

    def read(self, *events: BaseEvent) -> "Page":
        """Take events as bytes: what the encoder writes is what a client reads."""
        for event in events:
            line = EventEncoder().encode(event)
            assert line.startswith("data: "), line
            self.take(json.loads(line.removeprefix("data: ")))
        return self

    def take(self, event: dict[str, Any]) -> None:
        EVENT.validate_python(event)
        assert None not in event.values(), f"absent is absent, never null: {event}"
        self.events.append(event)
        kind = event["type"]
        if kind == "RUN_ERROR":
            assert self.run is not None or not self.runs, "after a run that ended only its own late failure may come"
            self._close(event)
        elif kind == "RUN_STARTED":
            assert self.run is None, "a run within a run"
            self.run = event
            self._active, self._ended, self._calls, self._open, self._owners = set(), set(), {}, {}, {}
        else:
            assert self.run is not None, f"{kind} outside a run"
            self._check_owner(event)
            getattr(self, f"_{kind.lower()}")(event)

    def _check_owner(self, event: dict[str, Any]) -> None:
        whose = event.get("subagentRunId")
        if whose and not event["type"].startswith("SUBAGENT"):
            assert whose in self._active, f"{event} of a sub-agent that is not at work"

    def _begin(self, family: str, id: str, event: dict[str, Any]) -> None:
        assert (family, id) not in self._open, f"{id} is open already"
        self._open[family, id] = event.get("subagentRunId")
        known = self._owners.setdefault(f"{family}:{id}", event.get("subagentRunId"))
        assert known == event.get("subagentRunId"), f"{id} was another's"

    def _goes_on(self, family: str, id: str, event: dict[str, Any]) -> None:
        assert (family, id) in self._open, f"{id} is not open"
        assert self._open[family, id] == event.get("subagentRunId")

    def _end(self, family: str, id: str, event: dict[str, Any]) -> None:
        self._goes_on(family, id, event)
        del self._open[family, id]

    def _text_message_start(self, event: dict[str, Any]) -> None:
        self._begin("text", event["messageId"], event)
        fresh = {"id": event["messageId"], "role": event.get("role", "assistant"), "content": ""}
        known = self.messages.setdefault(event["messageId"], fresh)
        assert known["role"] == event.get("role", "assistant")
        known["content"] = known.get("content") or ""

    def _text_message_content(self, event: dict[str, Any]) -> None:
        self._goes_on("text", event["messageId"], event)
        self.messages[event["messageId"]]["content"] += event["delta"]

    def _text_message_end(self, event: dict[str, Any]) -> None:
        self._end("text", event["messageId"], event)

    def _reasoning_start(self, event: dict[str, Any]) -> None:
        self._begin("span", event["messageId"], event)

    def _reasoning_end(self, event: dict[str, Any]) -> None:
        self._end("span", event["messageId"], event)

    def _reasoning_message_start(self, event: dict[str, Any]) -> None:
        self._begin("reasoning", event["messageId"], event)
        self.messages.setdefault(event["messageId"], {"id": event["messageId"], "role": "reasoning", "content": ""})

    def _reasoning_message_content(self, event: dict[str, Any]) -> None:
        self._goes_on("reasoning", event["messageId"], event)
        self.messages[event["messageId"]]["content"] += event["delta"]

    def _reasoning_message_end(self, event: dict[str, Any]) -> None:
        self._end("reasoning", event["messageId"], event)

    def _tool_call_start(self, event: dict[str, Any]) -> None:
        call_id = event["toolCallId"]
        self._begin("call", call_id, event)
        assert call_id not in self._calls, "a call is told once: arguments of a call that opens again are added"
        self._calls[call_id] = False
        holder = event.get("parentMessageId") or call_id
        message = self.messages.setdefault(holder, {"id": holder, "role": "assistant"})
        call = {"id": call_id, "type": "function", "function": {"name": event["toolCallName"], "arguments": ""}}
        message["toolCalls"] = [*message.get("toolCalls", []), call]

    def _tool_call_args(self, event: dict[str, Any]) -> None:
        self._goes_on("call", event["toolCallId"], event)
        for message in self.messages.values():
            for call in message.get("toolCalls", []):
                if call["id"] == event["toolCallId"]:
                    call["function"]["arguments"] += event["delta"]

    def _tool_call_end(self, event: dict[str, Any]) -> None:
        self._end("call", event["toolCallId"], event)

    def _tool_call_result(self, event: dict[str, Any]) -> None:
        assert not self._calls.get(event["toolCallId"]), "two results of one call"
        assert event["messageId"] not in self.messages, "a result is a message of its own"
        self._calls[event["toolCallId"]] = True
        told = {name: event[name] for name in ("toolCallId", "content")}
        self.messages[event["messageId"]] = {"id": event["messageId"], "role": "tool", **told}

    def _state_snapshot(self, event: dict[str, Any]) -> None:
        self.state = event["snapshot"]

    def _state_delta(self, event: dict[str, Any]) -> None:
        for operation in event["delta"]:
            self.state = patched(self.state, operation)

    def _messages_snapshot(self, event: dict[str, Any]) -> None:
        told = {one["id"]: one for one in event["messages"]}
        thinks = any(one["role"] == "reasoning" for one in event["messages"])
        kept = {
            id: told.get(id, one)
            for id, one in self.messages.items()
            if id in told or (one["role"] == "reasoning" and not thinks)
        }
        self.messages = {**kept, **told}

    def _custom(self, event: dict[str, Any]) -> None:
        self.custom.append((event["name"], event["value"]))

    def _subagent_started(self, event: dict[str, Any]) -> None:
        whose = event["subagentRunId"]
        assert whose not in self._active | self._ended, f"{whose} was announced before"
        above = event.get("parentSubagentRunId")
        assert above is None or above in self._active | self._ended
        self._active.add(whose)
        told = {"name": event["name"], "call": event.get("parentToolCallId"), "above": above}
        known = {name: value for name, value in told.items() if value is not None}
        self.subagents[whose] = {**self.subagents.get(whose, {}), **known}

    def _subagent_finished(self, event: dict[str, Any]) -> None:
        self._over(event, event.get("outcome", {"type": "success"})["type"])

    def _subagent_error(self, event: dict[str, Any]) -> None:
        self._over(event, event["message"])

    def _over(self, event: dict[str, Any], how: str) -> None:
        whose = event["subagentRunId"]
        assert whose in self._active, f"{whose} is not at work"
        assert whose not in self._open.values(), f"{whose} leaves something open"
        self._active.remove(whose)
        self._ended.add(whose)
        self.subagents[whose]["ended"] = how

    def _run_finished(self, event: dict[str, Any]) -> None:
        assert self.run is not None
        assert (event["threadId"], event["runId"]) == (self.run["threadId"], self.run["runId"])
        assert not self._open, f"still open: {self._open}"
        assert not self._active, f"still at work: {self._active}"
        outcome = event.get("outcome", {"type": "success"})
        if outcome["type"] == "success":
            assert all(self._calls.values()), "a call without a result would be the client's to run"
        ids = [one["id"] for one in outcome.get("interrupts", [])]
        assert len(ids) == len(set(ids)), "an interrupt's id is unique"
        self._close(event)

    def _close(self, event: dict[str, Any]) -> None:
        self.runs.append(event)
        self.run = None

    @property
    def outcomes(self) -> list[str]:
        return [run["outcome"]["type"] if run["type"] == "RUN_FINISHED" else run["type"] for run in self.runs]

    @property
    def interrupts(self) -> list[dict[str, Any]]:
        """What the last run waits for."""
        found: list[dict[str, Any]] = self.runs[-1]["outcome"]["interrupts"]
        return found


def messages_of(page: Page) -> list[Message]:
    """What a page would send back as the conversation so far."""
    return [MESSAGE.validate_python(message) for message in page.messages.values()]


def patched(value: Any, operation: dict[str, Any]) -> Any:
    """RFC 6902, as far as the state that we share goes: `add` and `replace`, at depths one and two."""
    _, key, *rest = operation["path"].split("/")
    if not rest:
        assert operation["op"] == "add" or key in value, f"nothing to replace: {operation}"
        return {**value, key: operation["value"]}
    items = [*value[key]]
    if rest[0] == "-":
        assert operation["op"] == "add"
        items.append(operation["value"])
    else:
        assert operation["op"] == "replace"
        items[int(rest[0])] = operation["value"]
    return {**value, key: items}
