"""Workers and replays of the kernel that are made otherwise than `agent_env` makes them."""

from typing import Any, cast

from temporalio.worker import Replayer, Worker, WorkerConfig

from sagents_infra.payloads import data_converter
from sagents_infra.tasks_only import TasksOnlyRunner
from sagents_infra.testing import AgentEnv
from sagents_infra.worker import make_kit, restrictions, worker_options


def worker(env: AgentEnv, **changes: Any) -> Worker:
    """The environment's worker with some options changed."""
    kit = make_kit(env.app, env.store, env.channel, env.presence, signer=env.signer)
    return Worker(**cast(WorkerConfig, {**worker_options(env.client, kit, env.settings), **changes}))


def replayer(*kernel: type) -> Replayer:
    """What replays histories as a worker does."""
    runner = TasksOnlyRunner(restrictions=restrictions())
    return Replayer(workflows=kernel, workflow_runner=runner, data_converter=data_converter())
