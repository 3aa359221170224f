"""What goes between a sub-agent's workflow, its activities and its parent. All of it is history, so all is brief."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import JsonValue

from sagents.commands import Answering, Resume
from sagents.frozen import Frozen
from sagents.head import Head
from sagents.interrupts import Interrupt
from sagents.messages import Message
from sagents.operations import Operation
from sagents.plan import AgentRef, CallResult, Ending, Link, Reference, RunSpec

SHOWN = 4 * 1024
"""Bytes of an interrupt's data that its parents show; who decides reads the rest in the inbox."""


class BriefRequest(Frozen):
    """Find out what a new sub-agent has to do: the call is in its parent's record."""

    agent: AgentRef


class Brief(Frozen):
    """What a sub-agent begins with, or why it cannot: `refusal` is its call's result then."""

    link: Link = Link(name="")
    operations: tuple[Operation, ...] = ()
    messages: tuple[Message, ...] = ()
    until_tool: tuple[str, ...] = ()
    until_tool_success: tuple[str, ...] = ()
    max_runs: int | None = None
    quiet: bool = False
    refusal: CallResult | None = None

    def applied(self, agent: AgentRef) -> AgentRef:
        """Who the sub-agent is, now that the call has been read."""
        assert agent.sub is not None, "only a sub-agent is briefed"
        sub = agent.sub.but(path=(*agent.sub.path[:-1], self.link), quiet=self.quiet)
        return agent.but(name=self.link.name, sub=sub)

    def run(self, run_id: str, requesters: tuple[str, ...]) -> RunSpec:
        return RunSpec(
            id=run_id,
            until_tool=self.until_tool,
            until_tool_success=self.until_tool_success,
            max_runs=self.max_runs,
            requesters=requesters,
        )


class ConcludeRequest(Frozen):
    """Make the parent's result of what a sub-agent has come to. `interrupts` are those that it halts for."""

    agent: AgentRef
    reference: Reference
    ending: Ending | None = None
    began_at: datetime | None = None
    interrupts: tuple[Interrupt, ...] = ()

    @classmethod
    def of(cls, head: Head) -> ConcludeRequest:
        """Of a sub-agent as it is, once its run has ended."""
        return cls(
            agent=head.agent,
            reference=head.log.reference,
            ending=head.ending,
            began_at=head.created_at,
            interrupts=head.open_interrupts,
        )


class Waiting(Frozen):
    """An interrupt, and the agent that is told the decision."""

    agent_id: str
    interrupt: Interrupt

    @property
    def brief(self) -> Waiting:
        """As parents show it: without what may be large."""
        interrupt = self.interrupt.but(arguments=None)
        if len(interrupt.model_dump_json()) > SHOWN:
            interrupt = interrupt.but(data={}, response_schema=None)
        return self.but(interrupt=interrupt)


class ChildWaits(Frozen):
    """What a sub-agent tells its parent: what waits for people in it and below, and whether all of it does."""

    call_id: str
    agent_id: str
    parked: bool = False
    waiting: tuple[Waiting, ...] = ()

    @classmethod
    def of(cls, agent: AgentRef, parked: bool, waiting: Sequence[Waiting]) -> ChildWaits:
        assert agent.sub is not None, "only a sub-agent tells a parent"
        brief = tuple(one.brief for one in waiting)
        return cls(call_id=agent.sub.call_id, agent_id=agent.agent_id, parked=parked, waiting=brief)


def waiting_data(waiting: Sequence[Waiting]) -> dict[str, JsonValue]:
    """What sub-agents wait for, as the status event of their root has it (B-52)."""
    parts: list[JsonValue] = [
        {
            "sub_agent_id": one.agent_id,
            "task_name": one.interrupt.path[-1] if one.interrupt.path else "",
            "path": [*one.interrupt.path],
            "interrupt_id": one.interrupt.id,
            "tool_call_id": one.interrupt.tool_call_id,
            "message": one.interrupt.message or f"'{one.interrupt.tool or one.interrupt.reason}' waits for a person",
        }
        for one in waiting
    ]
    return {"type": "subagent_hitl", "interrupts": parts}


def routed(agent_id: str, waiting: Sequence[Waiting], command: Resume) -> dict[str, Resume]:
    """Decisions by the agent whose interrupts they are about; what nobody below asks is for `agent_id` itself.

    Without ids they are in the order in which everything is shown that waits.
    """
    places = {one.interrupt.id: one.agent_id for one in waiting}
    decisions, named = command.decisions, [one.interrupt_id for one in command.decisions]
    if waiting and len(waiting) == len(decisions) and not any(named):
        decisions = tuple(
            one.but(interrupt_id=shown.interrupt.id) for one, shown in zip(decisions, waiting, strict=True)
        )
    parts: dict[str, tuple[Answering, ...]] = {}
    for one in decisions:
        whose = places.get(one.interrupt_id or "", agent_id)
        parts[whose] = (*parts.get(whose, ()), one)
    if parts.keys() <= {agent_id}:
        return {agent_id: command}
    return {whose: command.but(decisions=part) for whose, part in parts.items()}
