"""What the activities of one worker process share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from sagents.agent import Agent
from sagents.app import Sagents
from sagents.errands import Delegate
from sagents.errors import AgentNotRegistered
from sagents.limits import Limits
from sagents.measuring import Measured
from sagents.memory_blobs import MemoryBlobs
from sagents.plan import AgentRef
from sagents.ports import Blobs, Channel, Model, Notifier, Presence, Signer, Store
from sagents.surroundings import Surroundings
from sagents_activities.announcer import Announcer
from sagents_activities.display_mirror import DisplayMirror
from sagents_activities.distant_blobs import BlobsFromElsewhere
from sagents_activities.fence import Fence
from sagents_activities.journal import Journal, Seen
from sagents_activities.mirrors import Mirrors
from sagents_activities.reader import StateReader
from sagents_activities.recorded import RecordedCalls
from sagents_activities.remembering import remembered
from sagents_activities.saver import Saver
from sagents_activities.userland import Userland

ROLLING_DEPLOY = timedelta(seconds=60)
"""How long a name that this worker does not know may still be known to another one (DESIGN section 4.6)."""


@dataclass(frozen=True)
class Kit:
    """The app and the ports, and what is made of them once per process."""

    app: Sagents
    store: Store
    channel: Channel
    presence: Presence
    resolve: Callable[[str], Model]
    signer: Signer
    notifier: Notifier
    limits: Limits = field(default_factory=Limits)
    rolling_deploy: timedelta = ROLLING_DEPLOY
    userland: Userland = field(default_factory=Userland)
    blobs: Blobs = field(default_factory=MemoryBlobs)

    def __post_init__(self) -> None:
        reader = StateReader(self.store)
        object.__setattr__(self, "calls", RecordedCalls(self.store))
        object.__setattr__(self, "reader", reader)
        object.__setattr__(self, "saver", Saver(self.store, reader, Mirrors(self.app, self.userland, self.store)))
        object.__setattr__(self, "fence", Fence(self.store))
        object.__setattr__(self, "seen", Seen())

    calls: RecordedCalls = field(init=False)
    reader: StateReader = field(init=False)
    saver: Saver = field(init=False)
    fence: Fence = field(init=False)
    seen: Seen = field(init=False)

    async def make(self, agent: AgentRef) -> Agent:
        """The agent from its factory; an unknown one is retried while a rolling deploy may be going on."""
        return (await self.delegated(agent)).agent

    async def delegated(self, agent: AgentRef) -> Delegate:
        """The same with all that a sub-agent is sent with."""
        try:
            return await self.app.delegated(agent)
        except AgentNotRegistered as error:
            self.perhaps_elsewhere(error)
            raise

    def perhaps_elsewhere(self, error: Exception) -> None:
        """Raise a retryable failure for the first minute of an activity: another worker may be newer."""
        scheduled = activity.info().scheduled_time
        if datetime.now(UTC) - scheduled < self.rolling_deploy:
            raise ApplicationError(str(error), type="NotHere") from error

    def measured(self, agent: AgentRef, run_id: str | None = None) -> Measured:
        """Telemetry of an agent, in this process."""
        return Measured(agent, lambda: datetime.now(UTC), run_id)

    def surroundings(self, announcer: Announcer, agent: AgentRef, run_id: str | None = None) -> Surroundings:
        """What steps and calls need from this worker. `emit` may be called from any thread."""
        return Surroundings(
            now=lambda: datetime.now(UTC),
            sleep=lambda wait: asyncio.sleep(wait.total_seconds()),
            emit=announcer.emit,
            resolve=self.resolve,
            retry=self.app.retries.model,
            tool_retry=self.app.retries.tool,
            measure=self.measured(agent, run_id),
            remembered=remembered(self.store, agent, run_id or ""),
            blobs=BlobsFromElsewhere(self.blobs),
            earlier_attempts=_earlier_attempts(),
        )

    def announcer(self, agent: AgentRef, run_id: str | None, key: str) -> Announcer:
        """Carries an activity's events to the log and the channel; `key` is the same for each attempt."""
        mirror = DisplayMirror(self.app.display, self.userland, agent)
        return Announcer(Journal(self.fence, agent, self.seen), self.channel, run_id, key, mirror)


def _earlier_attempts() -> int:
    """A number that no earlier attempt of this activity has come to, though each may have tried several models."""
    return (activity.info().attempt - 1) * 1000 if activity.in_activity() else 0
