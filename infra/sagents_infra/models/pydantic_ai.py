"""The model adapter: any provider that Pydantic AI knows, by name (`anthropic:…`, `bedrock:…`, `openai:…`, ...)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic_ai.direct import model_request_stream
from pydantic_ai.models import Model as ProviderModel
from pydantic_ai.settings import ModelSettings

from sagents.errors import ModelError
from sagents.messages import Message
from sagents.ports import DeltaSink, Model, ModelRequest
from sagents_infra import offline
from sagents_infra.models import failures, replies, translate
from sagents_infra.models.providers import open_model, settings_for, split


@lru_cache(maxsize=256)
def resolve(name: str) -> Model:
    """The model called `provider:model`. Its SDK, key and connection are looked for when it is asked."""
    if name == offline.NAME:
        return offline.OfflineModel()
    return PydanticAIModel(name)


@dataclass
class _Line:
    """A provider's model with its HTTP client, and how many asks are using it."""

    model: ProviderModel[Any]
    asks: int = 0


class PydanticAIModel:
    """A `sagents.ports.Model` on one of Pydantic AI's models; `settings` are Pydantic AI's `ModelSettings`."""

    def __init__(self, name: str, settings: ModelSettings | None = None) -> None:
        split(name)
        self._name, self._settings = name, settings
        self._lines: dict[asyncio.AbstractEventLoop, _Line] = {}
        self._closing: set[asyncio.Future[Any]] = set()

    @property
    def name(self) -> str:
        return self._name

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:
        """Ask once and stream. Nothing is tried again here, nor by the SDK: whoever asks counts."""
        try:
            return await self._ask(request, on_delta)
        except ModelError:
            raise
        except Exception as error:
            raise failures.classed(error) from error

    async def _ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:
        async with self._line() as model:
            parameters = translate.parameters(request)
            stream = model_request_stream(
                model,
                model.prepare_messages(translate.history(request.messages), parameters),
                model_settings=settings_for(self._name, model, self._settings),
                model_request_parameters=parameters,
            )
            async with stream as response:
                async for event in response:
                    if delta := replies.delta(event):
                        on_delta(delta)
            failures.check(response.get(), request.messages)
            return replies.reply(response.get())

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[ProviderModel[Any]]:
        """A line to the provider, shared by the asks in flight on this event loop and closed behind the last.

        Connections belong to the loop that opened them. A busy worker always has an ask in flight and so keeps its
        connections; a quiet one holds none open and reads the key anew the next time.
        """
        loop = asyncio.get_running_loop()
        if loop not in self._lines:
            model = await asyncio.to_thread(open_model, self._name)  # importing an SDK takes a second or two
            self._lines.setdefault(loop, _Line(model))
        line = self._lines[loop]
        line.asks += 1
        is_open = False
        try:
            await line.model.__aenter__()
            is_open = True
            yield line.model
        finally:
            line.asks -= 1
            if not line.asks:
                del self._lines[loop]
            if is_open:
                await self._close(line.model)

    async def _close(self, model: ProviderModel[Any]) -> None:
        """Hang up. A cancel that comes in the middle does not wait, and does not leave the line open either."""
        closing = asyncio.ensure_future(model.__aexit__(None, None, None))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        await asyncio.shield(closing)
