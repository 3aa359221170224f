"""What becomes of an interrupted tool result that nobody will answer: an error that the model can read.

A placeholder left in the log makes the next model call malformed (T-31). These are the rules for one result;
`State.cancel_pending_interrupts` and `State.clean_stale_interrupts` apply them to all.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from sagents.messages import ToolResult

ABANDONED = (
    "The user did not respond to this and sent a new message instead. Proceed with what the new message asks for."
)
HALTED = "Tool halted: {message} The user has sent a new instruction - proceed with their new request."
PROCESS_BOUND = "This interrupted call could not be resumed (agent was restarted). Its unfinished work was lost."
INCOMPATIBLE = "This interrupted call could not be resumed (saved data was incompatible with current code)."


class Claims(Protocol):
    """Whoever knows which interrupts can be answered after a restart; every middleware is one."""

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool: ...


def abandoned(result: ToolResult) -> ToolResult:
    """The result after the user went on without answering; a halt's reason stays readable (T-30, T-32)."""
    if not result.is_interrupt:
        return result
    data = result.interrupt_data or {}
    reason = str(data.get("message") or "").strip() if "halt" in (data.get("type"), data.get("reason")) else ""
    return _demoted(result, HALTED.format(message=reason) if reason else ABANDONED)


def swept(result: ToolResult, claims: Iterable[Claims]) -> ToolResult:
    """The result after a load: kept where somebody claims the interrupt, else an error that says why (T-40…T-46)."""
    if not result.is_interrupt or interrupt_restorable(result.interrupt_data, claims):
        return result
    return _demoted(result, INCOMPATIBLE if result.interrupt_data is None else PROCESS_BOUND)


def interrupt_restorable(data: Any, claims: Iterable[Claims]) -> bool:
    """Whether a sweep keeps an interrupt with this data (T-48). Of several in one, all must be claimed (T-42)."""
    if not isinstance(data, Mapping):
        return False
    claims = tuple(claims)
    if data.get("type") == "multiple_interrupts":
        parts = data.get("interrupts")
        return isinstance(parts, list) and bool(parts) and all(interrupt_restorable(part, claims) for part in parts)
    return any(_claimed(data, claim) for claim in claims)


def _claimed(data: Mapping[str, Any], claim: Claims) -> bool:
    try:
        return claim.restorable_interrupt(data) is True
    except Exception:  # a middleware that cannot tell does not claim (T-47)
        return False


def _demoted(result: ToolResult, text: str) -> ToolResult:
    return result.but(content=text, is_error=True, is_interrupt=False, interrupt_data=None)
