"""The protocol carried by API Gateway: each message of a browser is an invocation, and answers are posted."""

from datetime import UTC, datetime, timedelta

from sagents.connections import Connection
from sagents.principal import Principal
from sagents_infra.channels.api_gateway import ApiGatewayChannel
from sagents_infra.channels.frames import Frame
from sagents_infra.http.desk import Desk
from sagents_infra.sockets.protocol import message
from sagents_infra.sockets.telling import pages, told

MOST_TOLD = 5_000
"""Events of a log that one subscription brings; the browser asks for more, and the function has its time for those."""

ANSWERING = timedelta(seconds=25)
"""How long answers may go to who has just asked; an invocation is not longer."""


class GatewayWire:
    """The `Wire` of one invocation. Live events come from the workers, by the channel; here only what is stored."""

    def __init__(self, desk: Desk, channel: ApiGatewayChannel, connection_id: str) -> None:
        self._desk, self._channel = desk, channel
        # An answer goes to whoever has asked, also where the store knows the connection no more.
        self._answered = Connection(id=connection_id, who=Principal(""), until=datetime.now(UTC) + ANSWERING)

    async def send(self, message: bytes) -> None:
        await self._channel.post(self._answered, [Frame(message, is_stored=True)])

    async def follow(self, connection: Connection, conversation: str, agent_id: str, after: int) -> None:
        count = 0
        async for page, last in pages(self._desk, agent_id, after):
            if not await self._channel.post(connection, told(page)):
                return  # it is gone, or comes back and subscribes again
            count += len(page)
            if count >= MOST_TOLD:
                await self.send(message("more", conversation=conversation, after=last))
                return

    async def leave(self, agent_id: str) -> None:
        """The store says who watches, and the channel asks it."""

    async def end(self) -> None:
        await self._channel.hang_up(self._answered.id)
