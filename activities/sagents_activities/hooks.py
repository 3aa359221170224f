"""Hooks that run outside a model step: an answer handed to middleware, the end of a run that a tool has ended."""

from dataclasses import dataclass

from temporalio import activity

from sagents import telemetry
from sagents.answering import answer, settle
from sagents.errors import AgentNotRegistered, InvalidAgent
from sagents.loop import apply
from sagents.notifying import notify
from sagents.plan import (
    Answered,
    AnswerRequest,
    Notified,
    NotifyRequest,
    Restored,
    RestoreRequest,
    RunError,
    SaveReason,
    Settled,
    SettleRequest,
)
from sagents.restoring import restore
from sagents_activities.announcer import Announcer
from sagents_activities.failures import translated
from sagents_activities.kit import Kit
from sagents_activities.measures import run_ended


@dataclass(frozen=True)
class HookActivities:
    """Effects of middleware hooks."""

    kit: Kit

    @activity.defn(name="answer")
    async def answer(self, request: AnswerRequest) -> Answered:
        """Let the agent's middleware act on a decision. Nothing is changed where nobody knows what to do with it."""
        with translated():
            state = await self.kit.reader.read(request.agent.agent_id, request.reference)
            key = f"answer:{request.interrupt.id}"
            async with self.kit.announcer(request.agent, request.run_id, key).publishing() as announcer:
                around = self.kit.surroundings(announcer, request.agent, request.run_id)

                async def hand_over() -> Answered:
                    return await answer(await self.kit.make(request.agent), state, request, around)

                try:
                    answered = await self.kit.userland.run(hand_over)
                    await announcer.settle(answered.operations)
                    return answered
                except (AgentNotRegistered, InvalidAgent) as error:
                    return Answered(error=RunError(type=type(error).__name__, message=str(error)))

    @activity.defn(name="settle")
    async def settle(self, request: SettleRequest) -> Settled:
        """Run the `after_run` hooks once, then save: nothing more is left to do for this run."""
        agent_id = request.agent.agent_id
        with translated():
            await self.kit.fence.claim(agent_id)
            async with self.kit.announcer(request.agent, request.run.id, request.record).publishing() as announcer:
                settled = await self._recorded(request) or await self._run_hooks(request, announcer)
                carried = await self.kit.saver.read(agent_id)
                after = carried.but(head=apply(carried.head, settled).but(seq=request.seq))
                saved = await self.kit.saver.save(after, request.seq, SaveReason.COMPLETION)
                await announcer.settle(carried.head.log.tail)
                told = announcer.rest(after)
                run_ended(self.kit.measured(request.agent), after.head)
                return settled.but(saved=saved.but(told=told))

    @activity.defn(name="notify")
    async def notify(self, request: NotifyRequest) -> Notified:
        """Let a middleware act on a message. An unknown one, and one that raises, change nothing (B-27)."""
        with translated():
            self.kit.measured(request.agent)(telemetry.MIDDLEWARE_MESSAGE_RECEIVED, middleware=request.middleware)
            state = await self.kit.reader.read(request.agent.agent_id, request.reference)
            key = f"notify:{activity.info().workflow_run_id}:{activity.info().activity_id}"
            async with self.kit.announcer(request.agent, None, key).publishing() as announcer:
                around = self.kit.surroundings(announcer, request.agent)

                async def hand_over() -> Notified:
                    return await notify(await self.kit.make(request.agent), state, request, around)

                return await self.kit.userland.run(hand_over)

    @activity.defn(name="restore")
    async def restore(self, request: RestoreRequest) -> Restored:
        """The state that was deposited, swept by the agent's middleware (B-66)."""
        agent_id = request.agent.agent_id
        with translated():
            state = await self.kit.reader.read(agent_id, request.reference)
            body = await self.kit.store.get(agent_id, request.key)
            if body is None:
                return Restored(problem=f"Nothing is deposited under {request.key!r}.")

            async def sweep() -> Restored:
                return restore(await self.kit.make(request.agent), state, body)

            return await self.kit.userland.run(sweep)

    async def _recorded(self, request: SettleRequest) -> Settled | None:
        body = await self.kit.store.get(request.agent.agent_id, request.record)
        return Settled.model_validate_json(body) if body else None

    async def _run_hooks(self, request: SettleRequest, announcer: Announcer) -> Settled:
        agent_id = request.agent.agent_id
        state = await self.kit.reader.read(agent_id, request.reference)
        around = self.kit.surroundings(announcer, request.agent, request.run.id)

        async def hooks() -> Settled:
            return Settled(operations=await settle(await self.kit.make(request.agent), state, request, around))

        settled = await self.kit.userland.run(hooks)
        body = settled.model_dump_json()
        writer = activity.info().workflow_run_id or ""
        return Settled.model_validate_json(await self.kit.store.put_once(agent_id, request.record, body, writer))
