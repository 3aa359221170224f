"""Keeping an agent: taking over as its writer when it wakes, saving it while it lives."""

import hashlib
from dataclasses import dataclass

from pydantic import ValidationError
from temporalio import activity

from sagents.carried import Carried, Woken
from sagents.plan import Saved, SaveRequest, WakeRequest
from sagents_activities.failures import translated
from sagents_activities.kit import Kit


@dataclass(frozen=True)
class RecordActivities:
    """Effects on the store."""

    kit: Kit

    @activity.defn(name="wake")
    async def wake(self, request: WakeRequest) -> Woken:
        """Claim the agent and read what it carried when it left; nothing of the transcript."""
        with translated():
            row = await self.kit.fence.claim(request.agent.agent_id)
            woken = Woken(agent=request.agent.name or self.kit.app.default_agent or "", limits=self.kit.limits)
            if row.head is None:
                return woken
            try:
                return woken.but(carried=Carried.model_validate_json(row.head))
            except ValidationError as error:
                return woken.but(problem=await self._set_aside(request.agent.agent_id, row.head, error))

    @activity.defn(name="save")
    async def save(self, request: SaveRequest) -> Saved:
        """Save what the workflow carries now; the answer says which notes the stored head knows of."""
        with translated():
            await self.kit.fence.claim(request.agent_id)
            carried = await self.kit.saver.read(request.agent_id)
            saved = await self.kit.saver.save(carried.but(head=carried.head.but(seq=request.seq)), request.seq)
            head = carried.head
            run_id = head.run.spec.id if head.run else None
            async with self.kit.announcer(request.agent_id, run_id).publishing() as announcer:
                announcer.status(str(head.status), head.ending)
            return saved

    async def _set_aside(self, agent_id: str, head: str, error: ValidationError) -> str:
        """Keep a head that nobody can read, and say so: the agent starts afresh (T-55)."""
        key = f"unusable:{hashlib.sha256(head.encode()).hexdigest()[:16]}"
        await self.kit.store.put_once(agent_id, key, head, activity.info().workflow_run_id or "")
        return f"The saved head could not be read and was set aside as {key!r}: {error.error_count()} problems."
