"""The commands about where agents run: versions of workers."""

from pathlib import Path
from typing import Annotated

import typer

from sagents_infra.cli.failing import failing
from sagents_infra.cli.options import Json

Built = Annotated[Path, typer.Argument(metavar="[DIR]", help="What was built, as .aws-sam/build/WorkerFunction.")]
BuildId = Annotated[str, typer.Option(metavar="ID", help="The version; by default SAGENTS_BUILD_ID.")]
Deployment = Annotated[str, typer.Option(metavar="NAME", help="Of what; by default SAGENTS_DEPLOYMENT.")]
Function = Annotated[str, typer.Option(metavar="ARN", help="The Lambda function's version that Temporal invokes.")]
Role = Annotated[str, typer.Option(metavar="ARN", help="The role that Temporal invokes it with.")]
ExternalId = Annotated[str, typer.Option(metavar="WORD", help="The word that the role wants to hear.")]
Wait = Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for the version's first worker.")]


def build_id(folder: Built = Path(".aws-sam/build/WorkerFunction"), as_json: Json = False) -> None:
    """Print the version of a built worker: a hash of what its folder holds."""
    with failing(as_json):
        from sagents_infra.cli import deploying

        deploying.build_id(folder, as_json)


def deploy_worker(
    build_id: BuildId = "",
    deployment: Deployment = "",
    function: Function = "",
    role: Role = "",
    external_id: ExternalId = "",
    wait: Wait = 60,
    as_json: Json = False,
) -> None:
    """Make a version of the worker known to Temporal, and current: agents go over to it with their next task."""
    with failing(as_json):
        from sagents_infra.cli import deploying

        named = deploying.function_of(function, role, external_id)
        deploying.deploy_worker(build_id, deployment, named, wait, as_json)


ALL = (build_id, deploy_worker)
