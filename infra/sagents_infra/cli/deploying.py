"""`sagents build-id` and `sagents deploy-worker`: versions of workers."""

import asyncio
import time
from pathlib import Path

from sagents import InvalidInput, SagentsError
from sagents_infra.cli.output import show
from sagents_infra.cli.places import use_dev_server
from sagents_infra.deployments import Deployments, LambdaFunction, build_id_of
from sagents_infra.settings import Settings
from sagents_infra.wiring import connect_temporal
from sagents_infra.worker import ensure_search_attributes

LOOK_EVERY = 0.2


def build_id(folder: Path, as_json: bool) -> None:
    """Print the hash of what a folder holds."""
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; `make build-aws` makes .aws-sam/build/WorkerFunction.")
    found = build_id_of(folder)
    show({"build_id": found}, found, as_json)


def function_of(arn: str, role: str, external_id: str) -> LambdaFunction | None:
    """The function that is named, if one is. Raises `InvalidInput` for half a name."""
    if not arn and not role and not external_id:
        return None
    if not (arn and role and external_id):
        raise InvalidInput("--function, --role and --external-id belong together: Temporal wants all three.")
    return LambdaFunction(arn, role, external_id)


def deploy_worker(build: str, deployment: str, function: LambdaFunction | None, wait: float, as_json: bool) -> None:
    """Register a version, wait for its first worker, and make it current."""
    settings = Settings()
    build, deployment = build or settings.build_id, deployment or settings.deployment
    if not build:
        raise InvalidInput("Which version? Say --build-id or SAGENTS_BUILD_ID; `sagents build-id FOLDER` has one.")
    use_dev_server(settings.home)
    before = asyncio.run(deploy(settings, deployment, build, function, wait))
    told = f", in the place of {before}" if before and before != build else ""
    show(
        {"deployment": deployment, "build_id": build, "previous_build_id": before or None},
        f"{deployment} {build} is current{told}",
        as_json,
    )


async def deploy(settings: Settings, name: str, build: str, function: LambdaFunction | None, wait: float) -> str:
    client = await connect_temporal(settings)
    await ensure_search_attributes(client)
    deployments = Deployments(client, name)
    if function is not None:
        await deployments.register(build, function)
    deadline = time.monotonic() + wait
    await _first_worker(deployments, build, function, deadline)
    before = await deployments.make_current(build)
    await _all_know(deployments, deadline)
    return before


async def _first_worker(deployments: Deployments, build: str, function: LambdaFunction | None, deadline: float) -> None:
    """Wait until a version works: Temporal invokes a function as soon as it knows it, and a broken one never asks.

    What is current before its first worker has asked can also be missed: Temporal sees no need to invoke it once more.
    """
    began = time.monotonic()
    while not await deployments.polls(build):
        if (now := time.monotonic()) > deadline:
            remedy = "Look at the function's log" if function else f"Start one with SAGENTS_BUILD_ID={build}"
            raise SagentsError(
                f"No worker of {deployments.name} {build} has asked for work within {now - began:.0f} s, "
                f"so it is not current. {remedy}, then try again."
            )
        await asyncio.sleep(LOOK_EVERY)


async def _all_know(deployments: Deployments, deadline: float) -> None:
    """Wait until work goes to the current version alone; what does not know in time will know soon."""
    while not await deployments.is_routed():
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(LOOK_EVERY)
