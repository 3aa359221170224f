"""A model that says what a test wrote down."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import takewhile
from types import TracebackType
from typing import Self

from sagents.errors import ModelError
from sagents.messages import Message, MessageStatus, Role, TokenUsage, ToolCall
from sagents.ports import Delta, DeltaSink, ModelRequest
from sagents.testing.replies import Failure, Reply

MARK = "scripted"
"""Metadata of a scripted reply: its number, by which the next one is found."""


class ScriptedModel:
    """Gives its replies in order. Which one comes depends on the request alone, so a retry, another worker or a
    process that was killed and started again gets the right one.

    The number of the newest scripted reply in the conversation tells which comes next; one that broke off after some
    words counts as given. A summary may cut old messages, as long as the newest reply stays. `fails(...)` takes no
    number: this object counts how often it has failed before a reply, so that a process that is started again fails
    again. An agent and each sub-agent have a model of their own.

    `done()` raises `AssertionError` for replies that nobody asked for, and for questions that the script has no reply
    to or that a provider would refuse; `with ScriptedModel(...) as model:` and `talk` call it at their end.
    """

    def __init__(self, *script: Reply | Failure, name: str = "scripted") -> None:
        self.name = name
        self.requests: list[ModelRequest] = []
        """What it was asked, tries included, oldest first."""
        self._replies = [entry for entry in script if isinstance(entry, Reply)]
        self._failures = _by_place(script)
        self._failed: Counter[int] = Counter()
        self._given: set[int] = set()
        self._problems: list[str] = []

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:
        """The next reply, streamed word by word."""
        self.requests.append(request)
        number = _next(request)
        if failure := self._failure_before(number):
            _stream(failure.partial, on_delta)
            raise failure.error
        if problem := _malformed(request) or self._beyond(number):
            self._problems.append(problem)
            raise ModelError(problem)
        reply = self._replies[number]
        self._given.add(number)
        await _spoken(reply.text, reply.every, on_delta)
        return _message(reply, number, request)

    def done(self) -> None:
        """Raise `AssertionError` unless the whole script was played and nothing else was asked."""
        unused = [str(reply) for n, reply in enumerate(self._replies) if n not in self._given]
        unused += [str(f) for place, fs in self._failures.items() for f in fs[self._failed[place] :]]
        problems = [*self._problems, *([f"never asked for: {', '.join(unused)}"] if unused else [])]
        if problems:
            raise AssertionError(f"{self.name}: " + "; ".join(problems))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.done()

    def _failure_before(self, number: int) -> Failure | None:
        failures = self._failures.get(number, [])
        if self._failed[number] >= len(failures):
            return None
        self._failed[number] += 1
        return failures[self._failed[number] - 1]

    def _beyond(self, number: int) -> str | None:
        if number < len(self._replies):
            return None
        return f"asked for reply {number + 1}, but the script has {len(self._replies)}"


def _by_place(script: tuple[Reply | Failure, ...]) -> dict[int, list[Failure]]:
    """The failures before each reply, each as often as it happens."""
    places: dict[int, list[Failure]] = {}
    number = 0
    for entry in script:
        if isinstance(entry, Failure):
            places.setdefault(number, []).extend([entry] * entry.times)
        else:
            number += 1
    return places


def _next(request: ModelRequest) -> int:
    """The number of the reply that the request asks for."""
    cut = 0
    for message in reversed(request.messages):
        if message.role is not Role.ASSISTANT:
            continue
        number = message.metadata.get(MARK)
        if isinstance(number, int):
            return number + 1 + cut
        cut += message.status is MessageStatus.CANCELLED
    return cut


def _malformed(request: ModelRequest) -> str | None:
    """What a provider would refuse: calls without results right behind them, and questions still open (T-31)."""
    for place, message in enumerate(request.messages, start=1):
        followers = takewhile(lambda follower: follower.role is Role.TOOL, request.messages[place:])
        answered = {result.tool_call_id for follower in followers for result in follower.tool_results}
        if missing := [call.name for call in message.tool_calls if call.call_id not in answered]:
            return f"asked with a call of {missing[0]} that has no result"
        if any(result.is_interrupt for result in message.tool_results):
            return "asked although a question to a person is open"
    return None


def _message(reply: Reply, number: int, request: ModelRequest) -> Message:
    return Message.assistant(
        reply.text or None,
        tool_calls=tuple(
            ToolCall(call_id=f"scripted_{number}_{n}", name=call.name, arguments=call.arguments)
            for n, call in enumerate(reply.calls)
        ),
        usage=TokenUsage(input=sum(map(_words, request.messages)), output=len(reply.text.split())),
        metadata={MARK: number},
    )


def _words(message: Message) -> int:
    return len(message.text.split()) + sum(len(result.text_for_model.split()) for result in message.tool_results)


async def _spoken(text: str, every: timedelta | None, on_delta: DeltaSink) -> None:
    for piece in _pieces(text):
        if every is not None:
            await asyncio.sleep(every.total_seconds())
        on_delta(Delta(text=piece))


def _stream(text: str, on_delta: DeltaSink) -> None:
    for piece in _pieces(text):
        on_delta(Delta(text=piece))


def _pieces(text: str) -> list[str]:
    """The words, each with the space behind it: joined they are the text."""
    words = text.split(" ")
    return [f"{word} " for word in words[:-1]] + words[-1:] if text else []
