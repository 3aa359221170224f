"""Events as lines on a terminal."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from sagents.events import Event
from sagents_infra.cli.output import brief

TODO = {"pending": "☐", "in_progress": "▶", "completed": "☑", "cancelled": "☒"}


class Screen:
    """Draws what an agent announces, replies as they stream in."""

    def __init__(self, console: Console, *, statuses: bool = False) -> None:
        self.console = console
        self.said: list[str] = []
        """Whole replies that were drawn."""
        self._statuses = statuses
        self._streamed = ""
        self._stream_id: str | None = None
        self._told: str | None = None
        self._attempt = 0

    def draw(self, event: Event) -> None:
        data: Mapping[str, Any] = event.data
        if event.path:
            self._below(event)
            return
        match event.type:
            case "llm_deltas":
                if self._counts(data.get("stream_id"), data.get("attempt", 0)):
                    self._stream("".join(delta.get("text", "") for delta in data.get("deltas", ())))
            case "llm_message":
                self._told = data.get("stream_id")
                self._reply(_text(data.get("message", {})))
            case "reset":
                self.line("  … events before these are gone", "yellow")
            case "tool_execution_update":
                self._tool(data)
            case "todos_updated":
                self.line("\n".join(f"  {TODO[todo['status']]} {todo['content']}" for todo in data.get("todos", ())))
            case "llm_error":
                again = ", trying again" if data.get("will_retry") else ""
                self.line(f"  ✗ {data.get('model')}: {data.get('error')}{again}", "yellow")
            case "status_changed" if self._statuses:
                self.line(f"■ {data.get('status')}{_why(data.get('data'))}", "dim")
            case kind if kind.startswith("approval.") and self._statuses:
                self.line(f"⏸ {_approval(data)}", "yellow")
            case _:
                pass

    def _below(self, event: Event) -> None:
        """A sub-agent's doing, in one line where it is worth one: its words are for its parent."""
        data, name = event.data, " / ".join(event.path)
        match event.type:
            case "subagent_started":
                self.line(f"  ▷ {name}")
            case "subagent_completed" | "subagent_failed" | "subagent_cancelled":
                self.line(f"  {'◁' if event.type == 'subagent_completed' else '✗'} {name}")
            case "tool_execution_update" if data.get("status") == "executing":
                self.line(f"    {name}: {data.get('display_text') or data.get('name')}")
            case kind if kind.startswith("approval.") and self._statuses:
                self.line(f"⏸ {name}: {_approval(data)}", "yellow")
            case _:
                pass

    def line(self, text: str, style: str = "dim") -> None:
        """A line of its own, below whatever streamed before it."""
        self.end()
        if text:
            self.console.print(Text(text, style=style))

    def end(self) -> None:
        """End a reply that broke off."""
        if self._streamed:
            self.console.print()
        self._streamed = ""

    def _counts(self, stream_id: str | None, attempt: int) -> bool:
        """Whether to draw a piece of a reply: not once it is whole, nor of an attempt that another one has followed."""
        begun = stream_id == self._stream_id
        if (stream_id is not None and stream_id == self._told) or (begun and attempt < self._attempt):
            return False
        if begun and attempt > self._attempt:
            self.end()
        self._stream_id, self._attempt = stream_id, attempt
        return True

    def _stream(self, text: str) -> None:
        self.console.print(text, end="")
        self._streamed += text

    def _reply(self, text: str) -> None:
        if not self._streamed and text:
            self.console.print(text, end="")
            self._streamed = text
        self.end()
        if text:
            self.said.append(text)

    def _tool(self, data: Mapping[str, Any]) -> None:
        name = str(data.get("name", ""))
        match data.get("status"):
            case "executing" if "progress" in data:
                self.line(f"    {data['progress']}")
            case "executing":
                self.line(f"  ▶ {call_text(name, data.get('arguments'))}", "cyan")
            case "completed":
                self.line(f"  ✓ {name}: {brief(str(data.get('result', '')))}", "green")
            case "failed":
                self.line(f"  ✗ {name}: {brief(str(data.get('error', '')))}", "red")
            case "cancelled":
                self.line(f"  ✗ {name} was cancelled", "yellow")
            case _:
                pass


def call_text(name: str, arguments: Any) -> str:
    """A call as code: `refund(order="7")`."""
    if not isinstance(arguments, Mapping):
        return f"{name}({brief(str(arguments or ''))})"
    given = ", ".join(f"{key}={brief(json.dumps(value, ensure_ascii=False), 80)}" for key, value in arguments.items())
    return f"{name}({given})"


def _approval(entry: Mapping[str, Any]) -> str:
    """What happened to an approval: `approved by anna: Refund order 7`."""
    kind, who = str(entry.get("kind", "")).replace("_", " "), entry.get("who")
    done = str(entry.get("status", kind)) if kind == "decided" else kind
    by = f" by {who.get('subject', 'operator')}" if isinstance(who, Mapping) else ""
    what = str(entry.get("summary") or "") or call_text(str(entry.get("tool", "")), entry.get("arguments") or {})
    note = f" ({entry['note']})" if entry.get("note") else ""
    return brief(f"{done}{by}: {what}{note}")


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("content", "") for part in content if part.get("type", "text") == "text")


def _why(ending: Any) -> str:
    error = ending.get("error") if isinstance(ending, Mapping) else None
    return f": {error.get('message', '')}" if isinstance(error, Mapping) else ""
