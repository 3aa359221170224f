"""A browser's side of the WebSocket protocol, as docs/websocket.md tells people to write it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

Frame = dict[str, Any]
BOUND = 60
"""Seconds that anything here may take."""


class Browser:
    """Keeps what it hears of one conversation: stored events by their ids, each once and in order; tokens as they come.

    Messages are given to `heard`, by whatever carries them; `say` sends.
    """

    def __init__(self, say: Callable[[str], Awaitable[None]], last: int = 0) -> None:
        self._say = say
        self.last = last
        self.stored: list[Frame] = []
        self.tokens: list[Frame] = []
        self.frames: list[Frame] = []
        self._held: dict[int, Frame] = {}
        self._changed = asyncio.Event()

    async def say(self, type: str, **fields: Any) -> None:
        await self._say(json.dumps({"type": type, **fields}))

    async def say_text(self, text: str) -> None:
        await self._say(text)

    def heard(self, frame: Frame) -> None:
        self.frames.append(frame)
        for event in frame.get("events", ()):
            if event.get("id") is None:
                self.tokens.append(event)
                if event["type"] == "reset":
                    self.last = event["data"]["first"] - 1
            elif event["id"] > self.last:
                self._held[event["id"]] = event
        while event := self._held.pop(self.last + 1, None):
            self.stored.append(event)
            self.last += 1
        self._changed.set()

    async def until(self, enough: Callable[["Browser"], Any]) -> Any:
        """Wait until it is so; what it is."""
        async with asyncio.timeout(BOUND):
            while not (found := enough(self)):
                self._changed.clear()
                await self._changed.wait()
        return found

    async def answer(self, type: str, count: int = 1) -> Frame:
        """The message of this type; of several, the one that came as `count`th."""
        await self.until(lambda me: len(me.of(type)) >= count)
        return self.of(type)[count - 1]

    async def problem(self, count: int = 1) -> tuple[str, Frame]:
        """What kind of problem was told, and what about."""
        frame = await self.answer("problem", count)
        return str(frame["problem"]["type"]).removeprefix("urn:sagents:problem:"), frame["about"]

    async def happened(self, type: str, count: int = 1) -> Frame:
        """The stored event of this type."""
        await self.until(lambda me: len([one for one in me.stored if one["type"] == type]) >= count)
        return [one for one in self.stored if one["type"] == type][count - 1]

    def of(self, type: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] == type]

    @property
    def ids(self) -> list[int]:
        return [event["id"] for event in self.stored]

    @property
    def text(self) -> str:
        """What the tokens say."""
        told = [event["data"]["deltas"] for event in self.tokens if event["type"] == "llm_deltas"]
        return "".join(delta.get("text", "") for deltas in told for delta in deltas)
