"""Open interrupts as pages and listeners read them, in the reference's shapes (B-81, B-87, B-92, B-96). All is JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from sagents.interrupts import Interrupt
from sagents.replies import HALT
from sagents.tool_options import humanised


def interrupt_data(interrupts: Iterable[Interrupt]) -> dict[str, JsonValue] | None:
    """What waits, for the data of a status event; None where nothing does.

    Approvals together are one batch; one question or halt stands for itself; anything else is `multiple_interrupts`.
    """
    waiting = [interrupt for interrupt in interrupts if interrupt.is_open]
    gates = [interrupt for interrupt in waiting if interrupt.is_gate]
    if not waiting:
        return None
    if len(gates) == len(waiting):
        return approval_data(gates)
    parts = [data_of(interrupt) for interrupt in waiting]
    return parts[0] if len(parts) == 1 else {"type": "multiple_interrupts", "interrupts": [*parts]}


def approval_data(gates: Sequence[Interrupt]) -> dict[str, JsonValue]:
    """Calls that wait for an approval (B-81)."""
    return {
        "action_requests": [action_request(gate) for gate in gates],
        "review_configs": {gate.tool or "": {"allowed_decisions": list(gate.allowed_decisions)} for gate in gates},
        "hitl_tool_call_ids": [gate.tool_call_id for gate in gates],
    }


def data_of(interrupt: Interrupt) -> dict[str, JsonValue]:
    """One interrupt by itself, with its `tool_call_id` and the `interrupt_id` that an answer names."""
    ids: dict[str, JsonValue] = {"interrupt_id": interrupt.id, "tool_call_id": interrupt.tool_call_id}
    if interrupt.is_gate:
        return {**approval_data([interrupt]), **ids}
    schema = interrupt.response_schema
    form: dict[str, JsonValue] = {"response_schema": dict(schema)} if schema is not None else {}
    source: dict[str, JsonValue] = (
        {"source_tool": interrupt.tool} if interrupt.reason == HALT and interrupt.tool else {}
    )
    allowed: list[JsonValue] = list(interrupt.allowed_decisions)
    return {
        "type": interrupt.reason,
        "message": interrupt.message,
        "allowed_decisions": allowed,
        **form,
        **source,
        **interrupt.data,
        **ids,
    }


def action_request(interrupt: Interrupt) -> dict[str, JsonValue]:
    """An interrupt as a card: what is asked about which call, and the digest of what is decided about.

    An approval has `arguments` where its interrupt has them, as in the inbox; another question's are its own data.
    """
    arguments = interrupt.arguments if interrupt.is_gate else interrupt.data
    return {
        "interrupt_id": interrupt.id,
        "tool_call_id": interrupt.tool_call_id,
        "tool_name": interrupt.tool or interrupt.reason,
        "arguments": None if arguments is None else dict(arguments),
        "display_text": interrupt.message or humanised(interrupt.tool or interrupt.reason),
        "digest": interrupt.digest,
    }
