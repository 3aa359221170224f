"""The worker: runs the kernel and the activities of one application."""

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Worker, WorkerConfig, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from sagents import contract
from sagents.app import Sagents
from sagents.contract import SEARCH_ATTRIBUTES
from sagents.errors import SagentsError
from sagents.frozen import build_all
from sagents.limits import Limits
from sagents.memory_blobs import MemoryBlobs
from sagents.pace import PACE
from sagents.ports import Blobs, Channel, Model, Notifier, Presence, Signer, Store
from sagents_activities.children import ChildActivities
from sagents_activities.hooks import HookActivities
from sagents_activities.kit import ROLLING_DEPLOY, Kit
from sagents_activities.records import RecordActivities
from sagents_activities.review import ReviewActivities
from sagents_activities.steps import ModelActivities
from sagents_activities.tools import ToolActivities
from sagents_infra import telemetry
from sagents_infra.identity import KeyRing
from sagents_infra.notify import LogNotifier
from sagents_infra.scheduled import ScheduledMessage
from sagents_infra.schedules import ScheduleActivities
from sagents_infra.settings import Settings
from sagents_infra.tasks_only import TasksOnlyRunner
from sagents_infra.telemetry.log_context import LogContext
from sagents_infra.wiring import Outside, open_outside, resolve_model
from sagents_workflows import AgentWorkflow, SubAgentWorkflow

BEAT = timedelta(seconds=1)

GRACE = timedelta(seconds=2)
"""How long activities may go on once a worker stops; what is cut then is tried again by another worker."""


def make_kit(
    app: Sagents,
    store: Store,
    channel: Channel,
    presence: Presence,
    *,
    resolve: Callable[[str], Model] = resolve_model,
    limits: Limits | None = None,
    signer: Signer | None = None,
    notifier: Notifier | None = None,
    blobs: Blobs | None = None,
    rolling_deploy: timedelta = ROLLING_DEPLOY,
) -> Kit:
    """What the activities of one worker process share. Without a `signer` it believes no door's word but its own,

    without `blobs` its files end with it.
    """
    return Kit(
        app=app,
        store=store,
        channel=channel,
        presence=presence,
        resolve=resolve,
        signer=signer or KeyRing.fresh(),
        notifier=notifier or LogNotifier(),
        limits=limits or Limits(),
        rolling_deploy=rolling_deploy,
        blobs=blobs or MemoryBlobs(),
    )


def make_worker(client: Client, kit: Kit, settings: Settings) -> Worker:
    """A worker that polls `settings.task_queue`."""
    return Worker(**worker_options(client, kit, settings))


def worker_options(client: Client, kit: Kit, settings: Settings) -> WorkerConfig:
    """What such a worker is made of."""
    PACE.heartbeat_timeout = settings.heartbeat_timeout
    contract.load_all()
    build_all()
    models, tools, hooks, records, children = (
        ModelActivities(kit),
        ToolActivities(kit),
        HookActivities(kit),
        RecordActivities(kit),
        ChildActivities(kit),
    )
    return WorkerConfig(
        client=client,
        task_queue=settings.task_queue,
        workflows=[AgentWorkflow, SubAgentWorkflow, ScheduledMessage],
        activities=[
            models.step,
            tools.call,
            hooks.answer,
            hooks.settle,
            hooks.notify,
            hooks.restore,
            children.brief,
            children.conclude,
            ReviewActivities(kit).review,
            records.save,
            records.wake,
            records.announce,
            records.viewers,
            ScheduleActivities.of(client, kit, settings.task_queue).send,
        ],
        interceptors=[LogContext(), *telemetry.of_worker(client, kit)],
        workflow_runner=TasksOnlyRunner(restrictions=restrictions()),
        max_cached_workflows=settings.max_cached_workflows,
        max_concurrent_activities=settings.max_concurrent_activities,
        sticky_queue_schedule_to_start_timeout=settings.sticky_timeout,
        max_heartbeat_throttle_interval=BEAT,
        default_heartbeat_throttle_interval=BEAT,
        graceful_shutdown_timeout=GRACE,
        deployment_config=deployment_of(settings),
    )


def deployment_of(settings: Settings) -> WorkerDeploymentConfig | None:
    """Which version of its deployment a worker is, if it has one.

    Agents go over to the current one with their next task: the kernel replays the histories of older ones.
    """
    if not settings.build_id:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.deployment, settings.build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


def kit_of(app: Sagents, outside: Outside) -> Kit:
    """The kit of a worker that talks to this outside."""
    settings = outside.settings
    return make_kit(
        app,
        outside.store,
        outside.channel,
        outside.presence,
        signer=outside.signer,
        notifier=outside.notifier,
        blobs=outside.blobs,
        limits=Limits(stop_patience=settings.stop_patience),
        rolling_deploy=settings.rolling_deploy,
    )


def restrictions() -> SandboxRestrictions:
    """The core is shared between all workflows of a process, because it is pure; the kernel is not.

    In users' tests pytest rewrites our modules, because we bring a plugin, and each of them then imports a part of it.
    """
    return SandboxRestrictions.default.with_passthrough_modules(
        *("sagents", "sagents_activities", "pydantic", "pydantic_core", "annotated_types", "typing_extensions"),
        "_pytest",
    )


async def run_worker(
    settings: Settings, app: Sagents, *, stopping: asyncio.Event, outside: Outside | None = None
) -> None:
    """Work until `stopping` is set. Refuses to start where the search attributes are missing and cannot be added."""
    outside = outside or await open_outside(settings)
    await ensure_search_attributes(outside.client)
    telemetry.watch(settings, outside.store)
    kit = kit_of(app, outside)
    async with make_worker(outside.client, kit, settings):
        await stopping.wait()
    kit.userland.close()
    await asyncio.to_thread(telemetry.flush)


async def ensure_search_attributes(client: Client) -> None:
    """Register what is missing: an upsert of an unknown attribute would fail every task of an agent."""
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        print(f"search attributes could not be checked: {error}", file=sys.stderr)
        return
    missing = [name for name in SEARCH_ATTRIBUTES if name not in known.custom_attributes]
    if not missing:
        return
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=dict.fromkeys(missing, keyword))
        )
    except RPCError as error:
        names = " ".join(f"--name {name} --type Keyword" for name in missing)
        raise SagentsError(
            f"Temporal lacks search attributes that agents need, and did not let us add them ({error}). "
            f"Run: temporal operator search-attribute create --namespace {client.namespace} {names}"
        ) from error
