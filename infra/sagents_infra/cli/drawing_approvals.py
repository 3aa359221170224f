"""Approvals as tables and pages on a terminal."""

import json
import shlex
from collections.abc import Callable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from sagents.decisions import Edit
from sagents.inbox import InboxItem
from sagents.interrupts import Interrupt, Vote
from sagents_infra.cli.drawing import call_text
from sagents_infra.cli.output import aligned, brief, facts, plain
from sagents_infra.cli.picking import brief_id
from sagents_infra.cli.spans import words

Cell = Callable[[InboxItem, datetime], str]


def table(items: Sequence[InboxItem], now: datetime) -> Text:
    """One line an approval; a column in which nobody has anything is left out."""
    columns = {name: [cell(item, now) for item in items] for name, cell in COLUMNS.items()}
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    return aligned(list(shown), list(zip(*shown.values(), strict=True)))


def detail(item: InboxItem, now: datetime) -> Group:
    """All about one approval, and the commands that answer it."""
    interrupt = item.interrupt
    parts: list[RenderableType] = [Text(summary(item), style="bold"), facts(_facts(item, now))]
    if interrupt.arguments is not None:
        parts += [Text("arguments", style="dim"), Text(_pretty(interrupt.arguments))]
    if interrupt.data:
        parts += [Text("about it", style="dim"), Text(_pretty(interrupt.data))]
    if interrupt.response_schema is not None:
        parts += [Text("the answer fits", style="dim"), Text(_pretty(interrupt.response_schema))]
    parts += [Text(plain(_vote(vote, interrupt))) for vote in interrupt.votes]
    parts += [Text("answer it by", style="dim"), *(Text(f"  {plain(command)}") for command in commands(item))]
    return Group(*parts)


def summary(item: InboxItem) -> str:
    """What is asked, in one line."""
    interrupt = item.interrupt
    call = call_text(interrupt.tool, interrupt.arguments) if interrupt.tool and interrupt.is_gate else ""
    return brief(interrupt.message or call or interrupt.problem or interrupt.reason)


def commands(item: InboxItem) -> list[str]:
    """What may be typed about it."""
    interrupt, name = item.interrupt, brief_id(item.interrupt.id)
    who, arguments = _who(item), json.dumps(interrupt.arguments or {}, ensure_ascii=False)
    forms = {
        "approve": f"approve {name}{who}",
        "edit": f"edit {name} {shlex.quote(arguments)}{who}",
        "reject": f"reject {name} --reason WHY{who}",
        "respond": f"respond {name} {'TEXT' if interrupt.response_schema is None else '--value JSON'}{who}",
    }
    typed = [forms[kind] for kind in interrupt.allowed_decisions if kind in forms]
    edits = {vote.digest: vote.who.name for vote in interrupt.votes if isinstance(vote.decision, Edit)}
    typed += [f"approve {name} --digest {digest}{who}   # as {by} has edited it" for digest, by in edits.items()]
    return [f"sagents approvals {one}" for one in typed]


def _who(item: InboxItem) -> str:
    """The options that say who decides, where it matters."""
    interrupt = item.interrupt
    if interrupt.is_for_anybody:
        return ""
    group = " --group NAME" if interrupt.approvers is not None and interrupt.approvers.groups else ""
    return f" --as NAME{group}{f' --tenant {item.tenant}' if item.tenant else ''}"


def _facts(item: InboxItem, now: datetime) -> dict[str, object]:
    interrupt = item.interrupt
    votes = f"{interrupt.approvals} of {interrupt.required_approvals}" if interrupt.required_approvals > 1 else None
    asked = ", ".join(interrupt.requesters) or item.owner or "unknown"
    return {
        "id": interrupt.id,
        "agent": f"{item.agent_id} ({item.agent})" if item.agent else item.agent_id,
        "owner": item.owner,
        "tenant": item.tenant,
        "status": item.status(now),
        "reason": interrupt.reason,
        "risk": interrupt.risk,
        "digest": interrupt.digest,
        "since": moment(interrupt.created_at),
        "until": moment(interrupt.expires_at),
        "then": _on_expiry(interrupt) if interrupt.expires_at else None,
        "for": str(interrupt.approvers) if interrupt.approvers else "anybody",
        "approvals": votes,
        "not by": None if interrupt.self_approval else f"who asked for it ({asked})",
        "operators": "may decide" if interrupt.operators_may_decide else None,
        "remember": ", ".join(interrupt.remember),
        "reminded": moment(interrupt.reminded_at),
        "claimed by": _claim(item),
        "problem": interrupt.problem,
    }


def _on_expiry(interrupt: Interrupt) -> str:
    return interrupt.on_expiry if isinstance(interrupt.on_expiry, str) else interrupt.on_expiry.type


def _vote(vote: Vote, interrupt: Interrupt) -> str:
    decision = vote.decision
    edited = f" {call_text(interrupt.tool or '', decision.arguments)}" if isinstance(decision, Edit) else ""
    when = f" at {moment(vote.who.at)}" if vote.who.at else ""
    return f"✓ {vote.who.name}: {decision.type}{edited}{when}"


def _age(item: InboxItem, now: datetime) -> str:
    return words(now - item.created_at) if item.created_at else ""


def _expires(item: InboxItem, now: datetime) -> str:
    until = item.interrupt.expires_at
    return "" if until is None else "expired" if until <= now else words(until - now)


def _approvals(item: InboxItem, _: datetime) -> str:
    interrupt = item.interrupt
    return f"{interrupt.approvals}/{interrupt.required_approvals}" if interrupt.required_approvals > 1 else ""


def _claim(item: InboxItem) -> str:
    return f"{item.claim.by} until {moment(item.claim.until)}" if item.claim else ""


def moment(at: datetime | None) -> str:
    """A time of day here; nothing for none."""
    return "" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def _pretty(value: object) -> str:
    return plain(json.dumps(value, ensure_ascii=False, indent=2))


COLUMNS: dict[str, Cell] = {
    "ID": lambda item, _: brief_id(item.interrupt.id),
    "AGENT": lambda item, _: item.agent_id,
    "TOOL": lambda item, _: item.interrupt.tool or item.interrupt.reason,
    "SUMMARY": lambda item, _: brief(summary(item), 60),
    "RISK": lambda item, _: item.interrupt.risk or "",
    "AGE": _age,
    "EXPIRES IN": _expires,
    "APPROVALS": _approvals,
    "CLAIMED BY": lambda item, _: item.claim.by if item.claim else "",
}
