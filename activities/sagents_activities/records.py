"""Keeping an agent: taking over as its writer when it wakes, saving it while it lives."""

import asyncio
import hashlib
from dataclasses import dataclass

import structlog
from pydantic import ValidationError
from temporalio import activity

from sagents import telemetry
from sagents.carried import Carried, Woken
from sagents.inbox import item_of
from sagents.interrupts import Interrupt
from sagents.plan import AnnounceRequest, Saved, SaveReason, SaveRequest, ViewersRequest, WakeRequest
from sagents.status import Status
from sagents.viewers import Viewers
from sagents_activities.docket import Docket, docket
from sagents_activities.failures import translated
from sagents_activities.kit import Kit
from sagents_activities.measures import saved_because

GATHER = 0.25
"""Seconds for which news are gathered."""

NOTICE = 3.0
"""Seconds that a notifier has."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class RecordActivities:
    """Effects on the store."""

    kit: Kit

    @activity.defn(name="wake")
    async def wake(self, request: WakeRequest) -> Woken:
        """Claim the agent and read what it carried when it left, not its transcript. Tells of the boot (L-4)."""
        agent_id = request.agent.agent_id
        with translated():
            row = await self.kit.fence.claim(agent_id)
            woken = await self._woken(request, row.head)
            key = f"boot:{activity.info().workflow_run_id}"
            async with self.kit.announcer(request.agent, None, key).publishing() as announcer:
                waiting = await self._waiting(woken)
                known = woken.carried.head.status if woken.carried else Status.IDLE
                goes_on = request.answered and known in (Status.INTERRUPTED, Status.PAUSED)
                status = Status.RUNNING if request.pending or goes_on else known
                if request.agent.sub is None:
                    announcer.status(str(status), None, waiting)
            self.kit.measured(request.agent.but(name=woken.agent))(
                telemetry.AGENT_START, restored=woken.carried is not None
            )
            return woken

    async def _woken(self, request: WakeRequest, head: str | None) -> Woken:
        woken = Woken(agent=request.agent.name or self.kit.app.default_agent or "", limits=self.kit.limits)
        if head is None:
            return woken
        try:
            return woken.but(carried=Carried.model_validate_json(head))
        except ValidationError as error:
            return woken.but(problem=await self._set_aside(request.agent.agent_id, head, error))

    async def _waiting(self, woken: Woken) -> tuple[Interrupt, ...]:
        """The open questions, with the arguments that the last save has put beside them (L-16)."""
        interrupts = woken.carried.head.open_interrupts if woken.carried else ()
        if not woken.carried or not interrupts:
            return ()
        stored = await self.kit.store.interrupts(woken.carried.head.agent.agent_id)
        shown = {item.interrupt.id: item.interrupt for item in map(item_of, stored)}
        return tuple(one.but(arguments=shown[one.id].arguments) if one.id in shown else one for one in interrupts)

    @activity.defn(name="save")
    async def save(self, request: SaveRequest) -> Saved:
        """Save what the workflow carries now, and tell what is new around it, in the order that was asked for."""
        with translated():
            await self.kit.fence.claim(request.agent_id)
            carried = await self.kit.saver.read(request.agent_id)
            head = carried.head.but(seq=request.seq)
            run_id = head.run.spec.id if head.run else None
            key = f"save:{activity.info().workflow_run_id}:{request.seq}"
            async with self.kit.announcer(head.agent, run_id, key).publishing() as announcer:
                announcer.all(request.before)
                await announcer.flush()
                found = await docket(self.kit.calls, head, request.entries)
                saved = await self.kit.saver.save(carried.but(head=head), request.seq, request.reason, found)
                for entry in found.entries:
                    announcer.emit(f"approval.{entry.kind}", entry.model_dump(mode="json"))
                await announcer.settle(carried.head.log.tail)
                if request.status_is_news and request.reason is not SaveReason.SHUTDOWN:
                    announcer.ended(head)
                    announcer.status(str(head.status), head.ending, found.interrupts)
                announcer.all(request.after)
            await self._notify(found)
            saved_because(self.kit.measured(head.agent), head, request)
            return saved

    async def _notify(self, found: Docket) -> None:
        """Tell people outside, side by side and not for long: who cannot be told costs the agent nothing."""
        sent = [asyncio.create_task(self.kit.notifier.notify(notice)) for notice in found.notices]
        if sent:
            await asyncio.wait(sent, timeout=NOTICE)
        for task in sent:
            late = task.cancel()
            if late or (not task.cancelled() and task.exception() is not None):
                why = "it took too long" if late else repr(task.exception())
                log.warning("a notice was not sent", agent=found.agent_id, error=why)

    @activity.defn(name="announce")
    async def announce(self, request: AnnounceRequest) -> None:
        """Tell news of the kernel's own. Ends a moment later: what comes meanwhile is told together."""
        with translated():
            async with self.kit.announcer(request.agent, None, request.key).publishing() as announcer:
                announcer.all(request.news)
            await asyncio.sleep(GATHER)

    @activity.defn(name="viewers")
    async def viewers(self, request: ViewersRequest) -> Viewers:
        """Who looks at a topic now, as the doors have it."""
        with translated():
            return await self.kit.presence.viewers(request.topic)

    async def _set_aside(self, agent_id: str, head: str, error: ValidationError) -> str:
        """Keep a head that nobody can read, and say so: the agent starts afresh (T-55)."""
        key = f"unusable:{hashlib.sha256(head.encode()).hexdigest()[:16]}"
        await self.kit.store.put_once(agent_id, key, head, activity.info().workflow_run_id or "")
        return f"The saved head could not be read and was set aside as {key!r}: {error.error_count()} problems."
