"""What makes the options of `ask` valid. Each check raises `InvalidAgent`, names the option and says what to write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from functools import reduce
from operator import or_
from string import Formatter
from typing import Any, cast, get_args

from sagents.approvers import Approvers
from sagents.decisions import KINDS_OF_DECISION, Approve, Edit, Reject, Respond
from sagents.errors import InvalidAgent
from sagents.plan import Approval
from sagents.terms import Escalation, OnExpiry, RememberScope
from sagents.user_functions import UserFunction, user_function

SCOPES: tuple[RememberScope, ...] = get_args(RememberScope)


def check_people(approval: Approval) -> None:
    """Refuse what could never be approved, however long it waits."""
    if approval.approvers is None:
        return
    people = reduce(or_, (step.to for step in approval.escalate), approval.approvers)
    if not people.groups and len(people.users) + approval.operators_may_decide < approval.required_approvals:
        raise _wrong("required_approvals", f"can never be reached: it takes {approval.required_approvals} of {people}")


def check_times(approval: Approval) -> None:
    """Refuse what would come after the end."""
    if approval.expires_after is None:
        return
    for option, after in (("remind_after", approval.remind_after), *(("escalate", e.after) for e in approval.escalate)):
        if after is not None and after >= approval.expires_after:
            raise _wrong(option, f"would come after the approval has expired: {after} is not before its end")


def decisions(option: str, value: object) -> tuple[str, ...]:
    """Kinds of decisions, at least one."""
    kinds = words(option, value, KINDS_OF_DECISION)
    if not kinds:
        raise _wrong(option, "allows nothing; `deny(reason)` and `allow()` ask nobody")
    return kinds


def words(option: str, value: object, known: Collection[str] = ()) -> tuple[str, ...]:
    """Several texts, of those that are known."""
    found = listed(option, value)
    for word in found:
        if not isinstance(word, str) or (known and word not in known):
            raise _wrong(option, f"takes {', '.join(known) or 'texts'}, not {word!r}")
    return tuple(found)


def scopes(option: str, value: object) -> tuple[RememberScope, ...]:
    """How far a decision may be remembered."""
    return cast(tuple[RememberScope, ...], words(option, value, SCOPES))


def listed(option: str, value: object) -> tuple[Any, ...]:
    """The values of an option that takes several; one text alone would otherwise be taken apart."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise _wrong(option, f"takes a list, not {value!r}")
    return tuple(value)


def approvers(option: str, value: object) -> Approvers:
    """People."""
    if isinstance(value, Approvers):
        return value
    raise _wrong(option, f"is groups(...), users(...) or both joined by |, not {value!r}")


def count(option: str, value: object) -> int:
    """A whole number of at least 1."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise _wrong(option, f"is a whole number of at least 1, not {value!r}")


def flag(option: str, value: object) -> bool:
    """True or False."""
    if isinstance(value, bool):
        return value
    raise _wrong(option, f"is True or False, not {value!r}")


def text(option: str, value: object) -> str | None:
    """A text, or nothing."""
    if value is None or isinstance(value, str):
        return value
    raise _wrong(option, f"is text or None, not {value!r}")


def duration(option: str, value: object) -> timedelta:
    """A time above zero; a number has no unit, and who writes one means another than we would."""
    if not isinstance(value, timedelta):
        raise _wrong(option, f"is a timedelta, as timedelta(hours=1), not {value!r}")
    if value <= timedelta(0):
        raise _wrong(option, f"is a timedelta above zero, not {value!r}")
    return value


def on_expiry(option: str, value: object) -> OnExpiry:
    """What happens when nobody has answered."""
    if value == "cancel_run" or isinstance(value, Approve | Edit | Reject | Respond):
        return value
    raise _wrong(option, f'is a decision, as Reject(), or "cancel_run", not {value!r}')


def escalations(option: str, value: object) -> tuple[Escalation, ...]:
    """Who may decide later too, the earliest first."""
    steps = [_escalation(option, step) for step in listed(option, value)]
    return tuple(sorted(steps, key=lambda step: step.after))


def _escalation(option: str, step: object) -> Escalation:
    pair = (step.after, step.to) if isinstance(step, Escalation) else step
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise _wrong(option, f"takes pairs, as (timedelta(days=1), groups(...)), not {step!r}")
    return Escalation(duration(option, pair[0]), approvers(option, pair[1]))


def template(option: str, value: str) -> str:
    """A template for `sagents.summaries`."""
    try:
        list(Formatter().parse(value))
    except ValueError as error:
        raise _wrong(option, f'is no template, as "Refund {{amount}}": {error} in {value!r}') from None
    return value


def function(option: str, value: object, kind: str) -> UserFunction:
    """A function of the arguments, or of the arguments and the context."""
    if not callable(value):
        raise _wrong(option, f"is {kind}, not {value!r}")
    return user_function(f"ask: {option}", value)


def _wrong(option: str, what: str) -> InvalidAgent:
    return InvalidAgent(f"ask: {option} {what}.")
