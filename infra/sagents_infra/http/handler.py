"""The Lambda function of the HTTP API: `sagents_infra.http.handler.handler`. Connects when it is first asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from sagents_infra.garbage import unsearched

with unsearched():
    from sagents_infra import logs
    from sagents_infra.http.bodies import plain
    from sagents_infra.http.buckets import Buckets
    from sagents_infra.http.office import Office, Runner
    from sagents_infra.http.problems import Refusal, gateway_answer

if TYPE_CHECKING:
    from sagents_infra.http.options import HttpOptions

Event = Mapping[str, Any]


class Door:
    """Answers API Gateway's events (HTTP API, payload 2.0)."""

    def __init__(self, office: Office, options: HttpOptions) -> None:
        self.office, self.most = office, options.max_body_bytes
        self._beside = {"office": office, "options": options, "buckets": Buckets(options.rate, options.burst)}

    def __call__(self, event: Event, context: Any = None) -> dict[str, Any]:
        request_id = getattr(context, "aws_request_id", None) or (event.get("requestContext") or {}).get("requestId")
        with logs.bound(request_id=request_id):
            try:
                event = plain(event, self.most)
            except Refusal as refusal:
                answer = gateway_answer(refusal)
            else:
                from sagents_infra.http.api import api  # Powertools, which the first request waits for

                answer = api().resolve(event, context, **self._beside)
        if request_id:
            answer["headers"]["X-Request-Id"] = request_id
        return answer


def handler(event: Event, context: Any) -> dict[str, Any]:
    """What Lambda calls."""
    answer = door()(event, context)
    if os.environ.get("SAGENTS_TRACING"):
        from sagents_infra import telemetry

        telemetry.flush()  # a function is frozen as soon as it has answered
    return answer


@cache
def door() -> Door:
    """The door of this process, as the environment says."""
    from sagents_infra.http.options import HttpOptions

    logs.configure()
    options = HttpOptions()
    return Door(office_of(options), options)


def office_of(options: HttpOptions, loop: Runner | None = None) -> Office:
    """An office that connects as `SAGENTS_*` and `TEMPORAL_*` say."""
    return Office(_open, _reconnect, patience=options.patience, idle=options.idle, loop=loop)


async def _open() -> Any:
    if os.environ.get("SAGENTS_SECRETS"):
        from sagents_infra.aws.secrets import load_secrets

        await asyncio.to_thread(load_secrets)
    from sagents_infra.wiring import open_outside  # what it brings is needed by requests, not by a cold start's check

    return await open_outside()


async def _reconnect(settings: Any) -> Any:
    from sagents_infra.wiring import connect_temporal

    return await connect_temporal(settings)
