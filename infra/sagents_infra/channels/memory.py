"""A channel inside this process, for tests and for agents that run in-process."""

from collections.abc import AsyncGenerator, Sequence

from sagents.events import Event
from sagents_infra.channels.listeners import Listener, Listeners


class MemoryChannel:
    """A `Channel` that reaches every loop of this process."""

    def __init__(self) -> None:
        self._listeners = Listeners()

    async def publish(self, agent_id: str, events: Sequence[Event]) -> None:
        for listener in self._listeners.of(agent_id):
            listener.tell(tuple(events))

    async def listen(self, agent_id: str) -> AsyncGenerator[Event, None]:
        listener = Listener(agent_id)
        self._listeners.add(listener)
        try:
            async for event in listener.hear():
                yield event
        finally:
            self._listeners.remove(listener)
