"""Agents that wake by the clock: Temporal Schedules, each of which is a message that comes again and again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from temporalio import activity
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleListActionStartWorkflow,
    ScheduleListDescription,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.service import RPCError, RPCStatusCode

from sagents.client import AgentServer, agent_id_for
from sagents.errors import InvalidInput, SagentsError
from sagents_activities.kit import Kit
from sagents_infra.scheduled import ACTIVITY, WORKFLOW

PREFIX = "sagents-"
CAUGHT_UP = timedelta(minutes=10)
"""What was missed while Temporal was away is made up for, if it is not longer ago."""


class Reminder(BaseModel):
    """What an agent is told, and which one."""

    model_config = ConfigDict(frozen=True)

    agent: str
    conversation_id: str
    text: str
    tenant: str = ""
    owner: str = ""

    @property
    def scope(self) -> dict[str, str]:
        return {name: value for name, value in (("tenant", self.tenant), ("owner", self.owner)) if value}

    @property
    def agent_id(self) -> str:
        return agent_id_for(self.conversation_id, self.scope)


@dataclass(frozen=True)
class Planned:
    """A schedule as it stands."""

    name: str
    reminder: Reminder
    is_paused: bool
    next_at: datetime | None


@dataclass(frozen=True)
class Schedules:
    """The schedules of a Temporal namespace that send messages to agents."""

    client: Client
    task_queue: str

    async def create(self, name: str, reminder: Reminder, spec: ScheduleSpec) -> None:
        """Begin to send a message at the times of `spec`. Raises `InvalidInput` for a name or times that do not go."""
        action = ScheduleActionStartWorkflow(
            WORKFLOW, reminder.model_dump(), id=f"{PREFIX}{name}", task_queue=self.task_queue
        )
        policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=CAUGHT_UP)
        schedule = Schedule(action=action, spec=spec, policy=policy)
        try:
            await self.client.create_schedule(f"{PREFIX}{name}", schedule, memo={"reminder": reminder.model_dump()})
        except ScheduleAlreadyRunningError as error:
            raise InvalidInput(f"There is a schedule {name!r}; `sagents schedule delete {name}` ends it.") from error
        except RPCError as error:
            if error.status is RPCStatusCode.INVALID_ARGUMENT:
                raise InvalidInput(f"These are no times of a schedule: {error.message}.") from error
            raise

    async def all(self) -> AsyncIterator[Planned]:
        """Every schedule of ours; a new one appears a moment after it was made."""
        async for listed in await self.client.list_schedules():
            action = listed.schedule.action if listed.schedule else None
            if isinstance(action, ScheduleListActionStartWorkflow) and action.workflow == WORKFLOW:
                yield await _planned(listed)

    async def delete(self, name: str) -> None:
        """End a schedule; what it has sent stays. Raises `SagentsError` where there is none."""
        try:
            await self.client.get_schedule_handle(f"{PREFIX}{name}").delete()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise SagentsError(f"There is no schedule {name!r}; `sagents schedule ls` has all.") from error
            raise


async def _planned(listed: ScheduleListDescription) -> Planned:
    memo = await listed.memo()
    return Planned(
        name=listed.id.removeprefix(PREFIX),
        reminder=Reminder.model_validate(memo["reminder"]),
        is_paused=listed.schedule is not None and listed.schedule.state.paused,
        next_at=min(listed.info.next_action_times, default=None) if listed.info else None,
    )


def times(every: timedelta | None, cron: str, time_zone: str) -> ScheduleSpec:
    """When a schedule sends. Raises `InvalidInput` unless one of the two is said."""
    if (every is None) == (not cron):
        raise InvalidInput("Say when: either --every, as 30m, or --cron, as '0 9 * * 1-5'.")
    if every is not None:
        return ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)])
    return ScheduleSpec(cron_expressions=[cron], time_zone_name=time_zone or None)


@dataclass(frozen=True)
class ScheduleActivities:
    """Sends what is due, as any door would."""

    server: AgentServer

    @classmethod
    def of(cls, client: Client, kit: Kit, task_queue: str) -> "ScheduleActivities":
        return cls(
            AgentServer(
                client,
                store=kit.store,
                channel=kit.channel,
                presence=kit.presence,
                signer=kit.signer,
                task_queue=task_queue,
            )
        )

    @activity.defn(name=ACTIVITY)
    async def send(self, message: dict[str, Any]) -> None:
        reminder = Reminder.model_validate(message)
        session = await self.server.start(
            reminder.agent, conversation_id=reminder.conversation_id, scope=reminder.scope or None
        )
        await self.server.add_message(session.agent_id, reminder.text, id=message["id"])
