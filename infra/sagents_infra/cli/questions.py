"""What waits for a person, in words, and the command that answers it."""

from dataclasses import dataclass

from sagents import State
from sagents.client import AgentServer
from sagents.interrupts import Interrupt
from sagents.outcome import call_named
from sagents_infra.cli.drawing import call_text
from sagents_infra.cli.picking import brief_id


@dataclass(frozen=True)
class Question:
    """An open interrupt; `text` is the call as it would run, else what is asked."""

    interrupt: Interrupt
    text: str
    command: str


async def questions(server: AgentServer, agent_id: str) -> list[Question]:
    """All that an agent waits for, in the order in which `resume` takes decisions."""
    waiting = await server.interrupts(agent_id)
    state = await server.get_state(agent_id) if waiting else State()
    return [
        Question(interrupt, _text(interrupt, state), _command(agent_id, interrupt, alone=len(waiting) == 1))
        for interrupt in waiting
    ]


def _text(interrupt: Interrupt, state: State) -> str:
    call = call_named(state, interrupt.tool_call_id)
    if call is not None and interrupt.is_gate:
        return call_text(call.name, call.arguments)
    return interrupt.message or interrupt.reason


def _command(agent_id: str, interrupt: Interrupt, *, alone: bool) -> str:
    if interrupt.approvers is not None or not interrupt.self_approval:
        return f"sagents approvals show {agent_id}/{brief_id(interrupt.id)}"
    which = "" if alone else f" --interrupt {interrupt.id}"
    return f"sagents resume {agent_id} {' | '.join(interrupt.allowed_decisions)}{which}"
