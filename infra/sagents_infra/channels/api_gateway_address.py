"""What `SAGENTS_CHANNEL=apigateway://…` says, as a channel. Imports boto3."""

import re
from urllib.parse import parse_qsl, urlsplit

from sagents.connections import Connections
from sagents.errors import InvalidInput
from sagents_infra.channels.api_gateway import ApiGatewayChannel, api_gateway_client

SHAPE = "apigateway://API.execute-api.REGION.amazonaws.com/STAGE?region=REGION&endpoint=URL"
OPTIONS = ("region", "endpoint")
REGION = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")


def api_gateway_channel(address: str, connections: Connections) -> ApiGatewayChannel:
    """The channel at an address, as the API's own is; an `endpoint` takes its place. Raises `InvalidInput`."""
    parts = urlsplit(address)
    options = dict(parse_qsl(parts.query))
    endpoint = options.get("endpoint") or f"https://{parts.netloc}{parts.path}"
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown or not urlsplit(endpoint).netloc or parts.fragment:
        what = f"{unknown[0]!r} is no option" if unknown else "it names no API"
        raise InvalidInput(f"SAGENTS_CHANNEL: {what}; it has to look like {SHAPE}.")
    said = REGION.search(endpoint)
    region = options.get("region") or (said[1] if said else None)
    return ApiGatewayChannel(api_gateway_client(endpoint.rstrip("/"), region), connections)
