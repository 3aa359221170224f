"""Asking a model: tries with waits in between, then the fallbacks, and what was heard of a reply that broke off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from sagents import telemetry
from sagents.announcing import Announcer
from sagents.awaiting import called
from sagents.cancelling import Cancels
from sagents.drafting import HookFailed
from sagents.errors import ModelError, ModelErrorKind
from sagents.measuring import milliseconds
from sagents.messages import Message, Role, TokenUsage
from sagents.ports import Delta, Model, ModelRequest
from sagents.surroundings import Surroundings


@dataclass(frozen=True)
class Attempt:
    """One model of the chain and what it is about to be asked; `before_fallback` may return another one (B-14)."""

    model: Model | str
    request: ModelRequest

    @property
    def name(self) -> str:
        return self.model if isinstance(self.model, str) else self.model.name


BeforeFallback = Callable[[Attempt], Attempt | Awaitable[Attempt | None] | None]


class Hearing:
    """Listens to a reply as it streams, so that what people have read already is not lost when it breaks off.

    `stream_id` is the id that the reply will have. `attempt` rises with each try, of whichever model.
    """

    def __init__(self, announcer: Announcer, stream_id: str = "", attempt: int = 0) -> None:
        self._announcer = announcer
        self.stream_id, self.attempt = stream_id, attempt
        self._pieces: list[str] = []
        self._broken = ""

    def __call__(self, delta: Delta) -> None:
        self._pieces.append(delta.text)
        self._announcer.delta(delta, self.stream_id, self.attempt)

    def again(self) -> None:
        """Another try begins: the text starts anew."""
        self._broken = self.text
        self._pieces = []
        self.attempt += 1

    def failed(self, error: ModelError, model: str, *, last: bool) -> None:
        """This try came to nothing."""
        self._announcer.attempt_failed(error, model, self.stream_id, self.attempt, last=last)

    @property
    def text(self) -> str:
        """What the last try that said anything has said."""
        return "".join(self._pieces) or self._broken


@dataclass(frozen=True)
class Asking:
    """A chain of models, asked until one replies."""

    chain: tuple[Model | str, ...]
    before_fallback: BeforeFallback | None
    around: Surroundings
    announcer: Announcer
    hearing: Hearing

    async def reply(self, request: ModelRequest) -> Message:
        """The first reply of the chain. Raises the last model's `ModelError` where none can give one."""
        failed: ModelError | None = None
        for model in self.chain:
            attempt = await self._prepared(Attempt(model, request))
            try:
                return await self._tried(attempt)
            except ModelError as error:
                failed = ModelError(f"The model {attempt.name!r} failed: {error}", error.kind, error.retry_after)
                if error.kind is ModelErrorKind.FAIL:
                    break
        assert failed is not None, "a chain has at least one model"
        raise failed

    async def _prepared(self, attempt: Attempt) -> Attempt:
        """`before_fallback` sees every attempt, the first included."""
        if self.before_fallback is None:
            return attempt
        try:
            return await called(self.before_fallback, attempt) or attempt
        except Exception as error:
            raise HookFailed("before_fallback", error) from error

    async def _tried(self, attempt: Attempt) -> Message:
        for tries in count(1):
            self.hearing.again()
            began = self.around.now()
            self.around.measure(telemetry.LLM_REQUEST, model=attempt.name, attempt=tries)
            try:
                return self._measured(await self._once(attempt), attempt, tries, began)
            except ModelError as error:
                last = error.kind is not ModelErrorKind.RETRY or self.around.retry.gives_up(tries, error.retry_after)
                took = milliseconds(began, self.around.now())
                asked = {"model": attempt.name, "attempt": tries, "kind": error.kind}
                self.around.measure(telemetry.LLM_ERROR, **asked, **took, error=str(error), will_retry=not last)
                self.hearing.failed(error, attempt.name, last=last)
                if last:
                    raise
                await self.around.sleep(self.around.retry.wait(tries, error.retry_after))
        raise AssertionError("unreachable: count() never ends")

    def _measured(self, reply: Message, attempt: Attempt, tries: int, began: datetime) -> Message:
        usage = reply.usage or TokenUsage()
        self.around.measure(
            telemetry.LLM_RESPONSE,
            model=attempt.name,
            attempt=tries,
            input_tokens=usage.input,
            output_tokens=usage.output,
            **milliseconds(began, self.around.now()),
        )
        return reply

    async def _once(self, attempt: Attempt) -> Message:
        """One call of one model. What is no `ModelError` comes from an adapter with a bug: another model may do."""
        cancels = Cancels()
        try:
            model = self.around.resolve(attempt.model) if isinstance(attempt.model, str) else attempt.model
            return self._reply_of(await model.ask(attempt.request, self.hearing))
        except ModelError:
            raise
        except asyncio.CancelledError:
            if cancels.asked:
                raise
            raise ModelError("its stream was cancelled from inside", ModelErrorKind.RETRY) from None
        except Exception as error:
            raise ModelError(f"{type(error).__name__}: {error}", ModelErrorKind.FALL_BACK) from error

    def _reply_of(self, answer: Any) -> Message:
        if isinstance(answer, Message) and answer.role is Role.ASSISTANT:
            return answer
        what = f"it answered with {str(answer)[:200]!r}, which is no assistant's message"
        self.announcer.nonsense(what)
        raise ModelError(what, ModelErrorKind.FALL_BACK)
