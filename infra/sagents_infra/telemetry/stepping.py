"""Which activities are steps of a run, and what their spans are called."""

from collections.abc import Sequence
from typing import Any

from sagents.plan import AnswerRequest, SettleRequest, StepRequest
from sagents_infra.telemetry.naming import Attributes, about_agent


def begins(arguments: Sequence[Any]) -> bool:
    """Whether a run begins with this activity."""
    return bool(arguments) and isinstance(arguments[0], StepRequest) and arguments[0].step == 0


def named(arguments: Sequence[Any]) -> tuple[str, Attributes] | None:
    """The span's name and what it says; None for what is no step, as a tool's call, which has a span of its own."""
    match arguments[0] if arguments else None:
        case StepRequest() as step:
            return f"step {step.step + 1}", {**about_agent(step.agent, step.run.id), "sagents.step": step.step + 1}
        case AnswerRequest() as answer:
            return "answer", about_agent(answer.agent, answer.run_id)
        case SettleRequest() as settle:
            return "settle", about_agent(settle.agent, settle.run.id)
        case _:
            return None
