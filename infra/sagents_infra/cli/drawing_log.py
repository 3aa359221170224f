"""Logs of decisions and remembered decisions as tables on a terminal."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.text import Text

from sagents.decision_log import Entry, Remember, Row
from sagents.decisions import Edit, Reject
from sagents.rules import Rule
from sagents_infra.cli.drawing import call_text
from sagents_infra.cli.drawing_approvals import moment
from sagents_infra.cli.output import aligned, brief
from sagents_infra.cli.picking import brief_id
from sagents_infra.cli.spans import words


def log_table(rows: Sequence[Row]) -> Text:
    """One line a row, oldest first."""
    return aligned(("#", "WHEN", "ID", "WHAT", "WHO", "CALL", "MORE"), [_cells(row.number, row.entry) for row in rows])


def rules_table(rules: Sequence[Rule], now: datetime) -> Text:
    """One line a remembered decision."""
    names = ("RULE", "HOLDS FOR", "TOOL", "DECISION", "CALLS", "WHO", "SINCE", "UNTIL")
    return aligned(names, [_rule_cells(rule, now) for rule in rules])


def _cells(number: int, entry: Entry) -> tuple[str, ...]:
    more, name = brief(_more(entry), 80), brief_id(entry.interrupt_id)
    return str(number), moment(entry.at), name, entry.kind, _who(entry), _call(entry), more


def _rule_cells(rule: Rule, now: datetime) -> tuple[str, ...]:
    calls = "with the same arguments" if rule.digest else "any"
    since, until = moment(rule.at), _until(rule, now)
    return rule.id, _reach(rule), rule.tool, rule.verdict, calls, rule.who.name, since, until


def _reach(rule: Rule) -> str:
    return f"{rule.scope} {rule.agent_id}" if rule.scope != "user" else rule.key.rpartition(":")[2]


def _until(rule: Rule, now: datetime) -> str:
    if rule.revoked_at is not None:
        return f"revoked by {rule.revoked_by}"
    if rule.expires_at is None:
        return ""
    return f"{'ended ' if rule.expires_at <= now else ''}{moment(rule.expires_at)}"


def _who(entry: Entry) -> str:
    if entry.who is None:
        return ""
    groups = f" ({', '.join(entry.who.groups)})" if entry.who.groups else ""
    return f"{entry.who.name}{groups} by {entry.who.channel}"


def _call(entry: Entry) -> str:
    return brief(call_text(entry.tool, entry.arguments) if entry.tool else entry.summary, 60)


def _more(entry: Entry) -> str:
    decision = entry.decision
    parts = [str(decision.type) if decision is not None else ""]
    if isinstance(decision, Edit):
        parts.append(call_text(entry.tool or "", entry.after or decision.arguments))
    if isinstance(decision, Reject) and decision.reason:
        parts.append(decision.reason)
    parts += [_remembered(entry.remember), entry.note]
    return " · ".join(part for part in parts if part)


def _remembered(remember: Remember | None) -> str:
    if remember is None:
        return ""
    time = f" for {words(timedelta(milliseconds=remember.ttl_ms))}" if remember.ttl_ms else ""
    return f"remembered: {remember.scope}{time}"
