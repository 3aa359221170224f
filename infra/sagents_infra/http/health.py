"""Addresses that need no token: whether all is well, and what there is."""

from importlib.metadata import version

from aws_lambda_powertools.event_handler.request import Request

from sagents.errors import CannotAnswer
from sagents_infra.http import problems
from sagents_infra.http.models import Health
from sagents_infra.http.office import Office, holds
from sagents_infra.http.problems import AWAY, Problem
from sagents_infra.http.routing import new_router

router = new_router()


@router.get(
    "/health",
    summary="Whether this door works and reaches Temporal",
    tags=["health"],
    operation_id="health",
    responses={
        200: {"description": "All is well", "content": {"application/json": {"model": Health}}},
        503: {"description": AWAY.title, "content": {problems.CONTENT_TYPE: {"model": Problem}}},
    },
)
def health(request: Request) -> Health:
    office: Office = request.context["office"]
    if not office.run(holds(office.desk)):
        raise CannotAnswer("Temporal does not answer.")
    return Health(status="ok", version=version("sagents"))
