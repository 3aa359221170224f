"""What telemetry hears of a run's end and of an agent's (L-67, L-68)."""

from datetime import UTC, datetime

from sagents import telemetry
from sagents.head import Head
from sagents.measuring import Measured, milliseconds
from sagents.plan import RunError, SaveReason, SaveRequest

EXPECTED = frozenset({"exceeded_max_runs", "until_tool_not_called", "unknown_until_tool", "model_failed"})
"""Errors that a run may end with and that nobody has to mend; any other one is a crash."""


def run_ended(measured: Measured, head: Head) -> None:
    """A run has ended, well or not."""
    ending, latest = head.ending, head.latest
    if ending is None or latest is None:
        return
    error = ending.error
    took = milliseconds(latest.began_at, datetime.now(UTC))
    about = {"run_id": latest.run_id, "status": str(head.status), **_error(error)}
    measured(telemetry.EXECUTION_STOP, reason=str(ending.kind), **about, **took)
    if error is not None and error.type not in EXPECTED:
        measured(telemetry.AGENT_CRASH, **about)


def _error(error: RunError | None) -> dict[str, str | None]:
    return {"error": error.message, "error_type": error.type} if error else {"error": None}


def saved_because(measured: Measured, head: Head, request: SaveRequest) -> None:
    """What a save stands for: the end of a run that no step has told of, a question, a goodbye."""
    now = datetime.now(UTC)
    match request.reason:
        case SaveReason.COMPLETION | SaveReason.CANCEL | SaveReason.ERROR:
            run_ended(measured, head)
        case SaveReason.INTERRUPT:
            _interrupted(measured, head, now)
        case SaveReason.SHUTDOWN:
            goodbyes = [news for news in (*request.before, *request.after) if news.type == "agent_shutdown"]
            reason = goodbyes[0].data.get("reason") if goodbyes else None
            took = milliseconds(head.created_at, now)
            measured(telemetry.AGENT_STOP, status=str(head.status), reason=reason, **took)
        case _:
            return


def _interrupted(measured: Measured, head: Head, now: datetime) -> None:
    reasons = [interrupt.reason for interrupt in head.open_interrupts]
    if head.latest is None or not reasons:
        return
    halted = "halt" in reasons  # among several, a halt is what the run waits over
    about = {"run_id": head.latest.run_id, "status": str(head.status), "reason": "halt" if halted else reasons[0]}
    measured(telemetry.EXECUTION_INTERRUPT, **about, **milliseconds(head.latest.began_at, now))
    if halted:
        measured(telemetry.AGENT_HALT, **about)
