"""The OpenAPI document: all routes, as their modules declare them."""

import json
from functools import cache
from importlib.metadata import version
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

from sagents_infra.http.api import api
from sagents_infra.http.routing import SCHEME, new_router
from sagents_infra.http.table import ADDRESSES

router = new_router()


@router.get("/openapi.json", include_in_schema=False, enable_validation=False)
def document() -> Response[str]:
    """The OpenAPI document."""
    return Response(200, "application/json", written(), headers={"Cache-Control": "max-age=300"})


@cache
def written() -> str:
    """It as JSON; made when somebody asks."""
    app = api()
    for address in ADDRESSES:
        app.add(address.module)
    described = app.get_openapi_schema(
        title="Sagents",
        version=version("sagents"),
        openapi_version="3.1.0",
        description="Conversations with agents that outlive everything. Problems are RFC 9457 documents.",
        security_schemes={SCHEME: HTTPBearer(bearerFormat="JWT")},
    )
    return json.dumps(_ours_alone(described.model_dump(mode="json", by_alias=True, exclude_none=True)))


def _ours_alone(document: dict[str, Any]) -> dict[str, Any]:
    """In one order, whatever was loaded first, and without what Powertools describes everywhere and nobody ever gets:

    validation errors of its own form.
    """
    document["paths"] = dict(sorted(document["paths"].items()))
    theirs = [name for name in document["components"]["schemas"] if name.endswith("ValidationError")]
    for name in theirs:
        del document["components"]["schemas"][name]
    for item in document["paths"].values():
        for operation in item.values():
            answers = operation["responses"]
            for status in [one for one, answer in answers.items() if "ValidationError" in json.dumps(answer)]:
                del answers[status]
    return document
