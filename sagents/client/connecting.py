"""Reaching what is above the core: by an entry point, because the core imports nothing of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from temporalio.client import Client

from sagents.errors import SagentsError

if TYPE_CHECKING:
    from sagents.connections import Connections
    from sagents.ports import Blobs, Channel, Presence, Signer, Store


class Outside(Protocol):
    """Temporal and the adapters of the ports, put together from settings."""

    @property
    def client(self) -> Client: ...
    @property
    def store(self) -> Store: ...
    @property
    def channel(self) -> Channel: ...
    @property
    def presence(self) -> Presence: ...
    @property
    def signer(self) -> Signer | None: ...
    @property
    def blobs(self) -> Blobs | None: ...
    @property
    def connections(self) -> Connections: ...
    @property
    def settings(self) -> Any: ...


async def connect_outside(settings: Any = None, lazy: bool = False) -> Outside:
    """What the installed wiring connects to (entry point group `sagents.wiring`)."""
    for point in entry_points(group="sagents.wiring"):
        connect: Callable[[Any, bool], Awaitable[Outside]] = point.load()
        return await connect(settings, lazy)
    raise SagentsError("Nothing is installed that connects to Temporal; `pip install sagents` brings it.")
