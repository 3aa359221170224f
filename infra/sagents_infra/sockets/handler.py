"""The Lambda function of the WebSocket API: `sagents_infra.sockets.handler.handler`. Connects when it is first asked.

Temporal is reached by what needs it: pings and reading go on while it is away.
"""

import asyncio
import os
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

import structlog
from temporalio.client import Client

from sagents.errors import InvalidInput, SagentsError
from sagents_infra import logs
from sagents_infra.channels.api_gateway import ApiGatewayChannel
from sagents_infra.http.buckets import Buckets
from sagents_infra.http.desk import Desk
from sagents_infra.http.office import Office
from sagents_infra.http.options import HttpOptions
from sagents_infra.http.problems import Refusal, gateway_answer, kind_of, problem_of
from sagents_infra.sockets.gateway import GatewayWire
from sagents_infra.sockets.protocol import Sockets
from sagents_infra.sockets.viewing import LEASE

log = structlog.get_logger(__name__)

Event = Mapping[str, Any]
Answer = dict[str, Any]

DONE: Answer = {"statusCode": 200}


class SocketDoor:
    """Answers API Gateway's events of one WebSocket API. A connection counts for `lease` after its last ping."""

    def __init__(self, office: Office, options: HttpOptions, lease: timedelta = LEASE) -> None:
        self.office, self._buckets = office, Buckets(options.rate, options.burst)
        self.lease = lease

    def __call__(self, event: Event, context: Any = None) -> Answer:
        asked = event["requestContext"]
        request_id = getattr(context, "aws_request_id", None) or asked.get("requestId")
        with logs.bound(request_id=request_id, connection_id=asked["connectionId"]):
            try:
                return self.office.run(self._routed(self.office.desk, event))
            except Refusal as refusal:
                return gateway_answer(refusal)
            except SagentsError as error:
                log.warning("request failed", error=type(error).__name__, why=str(error))
                return {"statusCode": kind_of(error).status, "body": problem_of(error).model_dump_json()}

    async def _routed(self, desk: Desk, event: Event) -> Answer:
        asked = event["requestContext"]
        connection_id = str(asked["connectionId"])
        sockets = Sockets(desk, desk.outside.connections, self._buckets, self.lease)
        match asked["routeKey"]:
            case "$connect":
                ticket = (event.get("queryStringParameters") or {}).get("ticket") or ""
                await sockets.connect(ticket, connection_id)
            case "$disconnect":
                await sockets.disconnect(connection_id)
            case _:
                wire = GatewayWire(desk, _channel(desk), connection_id)
                await sockets.received(connection_id, event.get("body") or "", wire)
        return DONE


def handler(event: Event, context: Any) -> Answer:
    """What Lambda calls."""
    answer = door()(event, context)
    if os.environ.get("SAGENTS_TRACING"):
        from sagents_infra import telemetry

        telemetry.flush()  # a function is frozen as soon as it has answered
    return answer


@cache
def door() -> SocketDoor:
    """The door of this process, as the environment says."""
    logs.configure()
    options = HttpOptions()
    return SocketDoor(Office(_open, _reconnect, patience=options.patience, idle=options.idle), options)


def _channel(desk: Desk) -> ApiGatewayChannel:
    channel = desk.outside.channel
    if not isinstance(channel, ApiGatewayChannel):
        raise InvalidInput("SAGENTS_CHANNEL of this function has to be the WebSocket API: apigateway://API/STAGE.")
    return channel


async def _open() -> Any:
    if os.environ.get("SAGENTS_SECRETS"):
        from sagents_infra.aws.secrets import load_secrets

        await asyncio.to_thread(load_secrets)
    from sagents_infra.wiring import connect

    return await connect(lazy=True)


async def _reconnect(settings: Any) -> Client:
    from sagents_infra.wiring import temporal_options

    options = temporal_options(settings)
    options["lazy"] = True
    return await Client.connect(**options)
