"""Logs of agents, written by hand or drawn by Hypothesis: what activities tell, in the order in which it may come."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from sagents.events import Event
from sagents.messages import ContentPart, Message, PartType, ToolCall

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AGENT = "desk-7"
RESTS = ("idle", "interrupted", "paused", "cancelled", "error")


class Log:
    """Events of one agent and its sub-agents, and what a page has to show in the end."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.texts: dict[str, str] = {}
        self.calls: list[str] = []
        self._number = 0

    def tell(self, type: str, data: Any = None, *, path: tuple[str, ...] = (), live: bool = False) -> None:
        id = None if live else self._count()
        whose = "/".join((AGENT, *path)) if path else None
        told = {"agent_id": AGENT, "run_id": "run_1", "at": NOW, "path": path, "sub_agent_id": whose}
        self.events.append(Event.model_validate({**told, "type": type, "data": data or {}, "id": id}))

    def status(self, status: str, data: Any = None) -> None:
        self.tell("status_changed", {"status": status, "data": data})

    def deltas(self, stream: str, *texts: str, attempt: int = 1, thinking: str = "", **where: Any) -> None:
        thoughts = [{"thinking": thinking}] if thinking else []
        data = {"deltas": [*thoughts, *({"text": text} for text in texts)], "stream_id": stream, "attempt": attempt}
        self.tell("llm_deltas", data, live=True, **where)

    def message(self, stream: str, text: str, *calls: str, thinking: str = "", **where: Any) -> None:
        content = (ContentPart(type=PartType.THINKING, content=thinking), ContentPart(content=text))
        asked = tuple(ToolCall(call_id=call, name="look", arguments={"n": 1}) for call in calls)
        message = Message.assistant(content if thinking else text, id=stream, tool_calls=asked)
        self.tell("llm_message", {"message": message.model_dump(mode="json"), "stream_id": stream}, **where)
        self.texts[stream] = text
        for call in calls:
            about = {"call_id": call, "name": "look", "display_text": "Looking", "arguments": {"n": 1}}
            self.tell("tool_call_identified", about, **where)
            self.calls.append(call)

    def update(self, call: str, status: str, **where: Any) -> None:
        told = {"result": f"seen by {call}"} if status == "completed" else {"error": "broken"}
        about = {"call_id": call, "name": "look", "display_text": None}
        self.tell("tool_execution_update", {"status": status, **about, **told}, **where)

    def approval(self, kind: str, call: str, status: str = "pending", **more: Any) -> None:
        where = {"path": more.pop("path", ())}
        about = {"interrupt_id": f"int_{call}", "tool": "look", "tool_call_id": call, "summary": "Look?"}
        self.tell(
            f"approval.{kind}",
            {"slot": call, "kind": kind, "at": NOW.isoformat(), **about, "status": status, **more},
            **where,
        )

    def rest(self, status: str, *asked: str) -> None:
        """The run ends, and waits for what is asked."""
        if status == "interrupted":
            requests = [
                {
                    "interrupt_id": f"int_{call}",
                    "tool_call_id": call,
                    "tool_name": "look",
                    "arguments": {"n": 1},
                    "display_text": "Look?",
                    "digest": "sha256:1",
                }
                for call in asked
            ]
            self.status(status, {"action_requests": requests, "review_configs": {}, "hitl_tool_call_ids": [*asked]})
        else:
            error = {"error": {"type": "model_failed", "message": "It failed."}} if status == "error" else {}
            self.status(status, {"kind": "finished", **error})

    def _count(self) -> int:
        self._number += 1
        return self._number


WORDS = st.sampled_from(["Hello", " there", ", ", "all", " is", " well", "é 👋"])


class Draw:
    """Draws one log: runs one after the other, in each some steps of the agent and its sub-agents, mixed up."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.log = draw, Log()
        self._names = 0

    def number(self, most: int) -> int:
        return self.draw(st.integers(0, most))

    def name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}{self._names}"

    def runs(self) -> Log:
        self.log.status("idle")
        for _ in range(1 + self.number(2)):
            self.log.status("running")
            self._mixed([self._steps(())])
            self._rest()
            if self.number(3) == 0:
                self.log.tell("display_message_saved", {"row": self._row()})
                self.log.tell("agent_shutdown", {"reason": "inactivity"})
            if self.number(3) == 0:
                self.log.deltas("zombie", "late")
                self.log.update("zombie", "executing")
        return self.log

    def _row(self) -> Any:
        id = self.name("user")
        return {
            "id": f"{id}.0",
            "message_type": "user",
            "content_type": "text",
            "content": {"text": "Go on"},
            "at": str(NOW),
        }

    def _rest(self) -> None:
        status = self.draw(st.sampled_from(RESTS))
        waiting = self.name("call")
        if status == "interrupted":
            self.log.message(self.name("msg"), "May I?", waiting)
            self.log.approval("requested", waiting)
            self.log.rest(status, waiting)
            answer = self.draw(st.sampled_from(["approved", "rejected", "responded", "expired", "superseded"]))
            kind = answer if answer in ("expired", "superseded") else "decided"
            self.log.approval(kind, waiting, answer)
            if answer == "approved":
                self.log.status("running")
                self.log.update(waiting, "completed")
                self.log.rest("idle")
            return
        self.log.rest(status)

    def _mixed(self, threads: list[Any]) -> None:
        """What works side by side, in any order."""
        while threads:
            thread = threads[self.number(len(threads) - 1)]
            more = next(thread, None)
            if more is None:
                threads.remove(thread)
            else:
                threads += more

    def _steps(self, path: tuple[str, ...]) -> Any:
        where: Any = {"path": path}
        for _ in range(1 + self.number(1)):
            stream, words = self.name("msg"), self.draw(st.lists(WORDS, max_size=4))
            text = "".join(words)
            for attempt in range(1, 2 + self.number(1)):
                for word in words[: None if attempt > 1 else self.number(len(words))]:
                    self.log.deltas(
                        stream, word, attempt=attempt, thinking=self.draw(st.sampled_from(["", "Hm."])), **where
                    )
                    yield []
            lost = self.number(4) == 0
            calls = [self.name("call") for _ in range(self.number(2))]
            self.log.message(stream, f"{text}!" if not lost else f"So: {text}", *calls, **where)
            yield []
            self.log.deltas(stream, "late", **where)
            for call in self.draw(st.permutations(calls)):
                self.log.update(call, "executing", **where)
                self.log.deltas(stream, "late", attempt=9, **where)
                yield self._sub_agents(path) if self.number(2) == 0 else []
                end = self.draw(st.sampled_from(["completed", "failed", "cancelled", "nothing"]))
                if end != "nothing":
                    self.log.update(call, end, **where)
            self.log.tell("todos_updated", {"todos": self._todos()})
        if path:
            self._end(path)

    def _todos(self) -> Any:
        return [{"id": n + 1, "content": f"Task {n}", "status": self.draw(TODO)} for n in range(self.number(3))]

    def _sub_agents(self, path: tuple[str, ...]) -> Any:
        return [self._sub_agent((*path, self.name("sub")))] if len(path) < 2 else []

    def _sub_agent(self, path: tuple[str, ...]) -> Any:
        if self.number(3):
            about = {"sub_agent_id": "/".join((AGENT, *path)), "parent_id": AGENT, "name": path[-1], "call_id": "call1"}
            self.log.tell("subagent_started", about, path=path)
            yield []
        yield from self._steps(path)

    def _end(self, path: tuple[str, ...]) -> None:
        about = {"sub_agent_id": "/".join((AGENT, *path)), "name": path[-1]}
        end = self.draw(st.sampled_from(["completed", "failed", "cancelled", "nothing"]))
        if end != "nothing":
            self.log.tell(f"subagent_{end}", {**about, "result": "done", "error": "broken"}, path=path)
            self.log.tell("agent_halted", {"message": "late"}, path=path)


TODO = st.sampled_from(["pending", "in_progress", "completed"])


@st.composite
def logs(draw: st.DrawFn) -> Log:
    return Draw(draw).runs()
