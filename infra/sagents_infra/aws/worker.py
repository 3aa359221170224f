"""The worker as a Lambda function: Temporal invokes it when there is work, and it leaves when there is none."""

from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from functools import cache
from typing import Any

from temporalio.common import WorkerDeploymentVersion
from temporalio.contrib.aws.lambda_worker import LambdaWorkerConfig, run_worker
from temporalio.worker import WorkerConfig

from sagents import InvalidInput, Sagents
from sagents_activities.kit import Kit
from sagents_infra import logs, telemetry
from sagents_infra.aws.idle import IdleExit, WorkerPlugin
from sagents_infra.aws.secrets import load_secrets
from sagents_infra.settings import Settings
from sagents_infra.wiring import Outside, outside_of, temporal_options
from sagents_infra.worker import GRACE, kit_of, worker_options

FLUSHING = timedelta(seconds=2)
"""What is left of an invocation once the worker has stopped."""


def handler(event: Any, context: Any) -> None:
    """What Lambda calls: works until there is nothing to do, or until the invocation's time is nearly over."""
    _function()(event, context)


@cache
def _function() -> Callable[[Any, Any], None]:
    logs.configure()
    load_secrets()
    settings = Settings()
    return worker_function(Sagents.load(settings.app), settings)


def worker_function(app: Sagents, settings: Settings) -> Callable[[Any, Any], None]:
    """A Lambda handler that runs these agents. Raises `InvalidInput` without a `build_id`.

    Temporal invokes the function of the version that has work, so a worker here always is one.
    """
    if not settings.build_id:
        raise InvalidInput("SAGENTS_BUILD_ID is not set; `sagents build-id FOLDER` says what it has to be.")

    async def configure(config: LambdaWorkerConfig) -> AsyncGenerator[None, None]:
        agents = _Agents(app, settings)
        config.client_connect_config = temporal_options(settings)
        config.worker_config["task_queue"] = settings.task_queue
        config.worker_config["plugins"] = [agents, IdleExit(settings.idle_exit)]
        config.shutdown_deadline_buffer = GRACE + FLUSHING
        yield
        agents.close()

    return run_worker(WorkerDeploymentVersion(settings.deployment, settings.build_id), configure)


class _Agents(WorkerPlugin):
    """Makes the SDK's worker one that runs agents, with all but its pollers as `sagents worker` has it.

    A new one for each invocation: what it holds belongs to an event loop, and each invocation has its own.
    """

    def __init__(self, app: Sagents, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._outside: Outside | None = None
        self._kit: Kit | None = None

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        client = config["client"]
        self._outside = outside_of(self._settings, client)
        self._kit = kit_of(self._app, self._outside)
        return {**config, **worker_options(client, self._kit, self._settings)}

    def close(self) -> None:
        if self._kit is not None:
            self._kit.userland.close()
        if self._outside is not None:
            self._outside.close()
        telemetry.flush()
