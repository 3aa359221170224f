"""The pages behind approval links: what waits with the form that decides it, what became of it, what is wrong.

They work without scripts, by keyboard alone, and on a phone.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from sagents.inbox import InboxItem
from sagents.interrupts import Interrupt, InterruptStatus
from sagents_infra.http.approval_form import fields
from sagents_infra.http.approval_style import STYLE
from sagents_infra.http.html import Html, element, in_json, joined, plain
from sagents_infra.links.link import Link
from sagents_infra.links.outcome import LinkOutcome

MOST = 200_000
"""Letters of arguments that a page shows. A part of them would not be what runs, so of more there is no form."""

TOO_LARGE = (
    "What is asked is too large to be shown here whole. Decide it where you see all of it: in the inbox, or by "
    "`sagents approvals show`."
)

WORDS = {
    InterruptStatus.PENDING: "You have decided",
    InterruptStatus.APPROVED: "It was approved",
    InterruptStatus.EDITED: "It was approved with other arguments",
    InterruptStatus.REJECTED: "It was rejected",
    InterruptStatus.RESPONDED: "It was answered",
    InterruptStatus.EXPIRED: "Nobody decided in time",
    InterruptStatus.CANCELLED: "It was cancelled",
    InterruptStatus.SUPERSEDED: "It is of no interest any more",
}


def waiting_page(link: Link, item: InboxItem, given: Mapping[str, str], problem: str = "") -> str:
    """What waits, and the form. `given` is what was typed before, `problem` why it was not taken."""
    interrupt = item.interrupt
    title = f"{interrupt.tool} waits for your decision" if interrupt.tool else "A question for you"
    shown = _pretty(dict(interrupt.arguments or {}))
    fits = len(shown) + len(_pretty(dict(interrupt.data))) <= MOST
    parts = [
        _notice(problem) if problem else Html(),
        element("h1", title),
        element("p", interrupt.message) if interrupt.message else Html(),
        element("p", f"Risk: {interrupt.risk}", class_="risk") if interrupt.risk else Html(),
        _notice(interrupt.problem) if interrupt.problem else Html(),
        *(_call(interrupt, shown) if fits else [element("p", TOO_LARGE)]),
        _terms(link, item),
        fields(link, interrupt, in_json(shown), given) if fits and interrupt.allowed_decisions else Html(),
    ]
    return _page(f"Not sent: {title}" if problem else title, *parts)


def outcome_page(outcome: LinkOutcome, approvals: tuple[int, int] | None = None) -> str:
    """What became of it. `approvals` are how many agree, and how many have to."""
    title = WORDS[outcome.status]
    facts = {
        "Decision": outcome.decision or "",
        "By": f"{outcome.by} (you)" if outcome.mine and outcome.by else outcome.by or "",
        "At": _moment(outcome.at),
        "Agree so far": f"{approvals[0]} of {approvals[1]} people" if approvals and approvals[1] > 1 else "",
    }
    more = "There is nothing left to do here; you can close this page."
    if not outcome.is_closed:
        more = f"It is on its way, or waits for more people. {more}"
    return _page(title, element("h1", title), _facts(facts), element("p", more))


def problem_page(title: str, detail: str) -> str:
    """What is wrong, and what to do."""
    return _page(title, element("h1", title), element("p", detail))


def _page(title: str, *parts: str) -> str:
    head = joined(
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="robots", content="noindex"),
        element("title", plain(title)),
        Html(f"<style>{STYLE}</style>"),
    )
    body = element("body", element("main", *parts))
    return f"<!doctype html>{element('html', element('head', head), body, lang='en')}"


def _notice(problem: str) -> Html:
    return element("div", element("p", problem), class_="notice", role="alert", tabindex="-1", autofocus=True)


def _call(interrupt: Interrupt, shown: str) -> list[Html]:
    """The arguments by name: text as it is, other values as JSON; then all of it as JSON, where nothing is alike."""
    found = []
    if interrupt.arguments is not None:
        found += [element("h2", f"It would call {interrupt.tool or 'a tool'} with"), _values(interrupt.arguments)]
        found.append(
            element("details", element("summary", "The same as JSON"), element("pre", in_json(shown))),
        )
    if interrupt.data:
        found += [element("h2", "What is asked"), _values(interrupt.data)]
    return found


def _values(values: Mapping[str, JsonValue]) -> Html:
    if not values:
        return element("p", "Nothing.", class_="call")
    pairs = [joined(element("dt", name), element("dd", _value(value))) for name, value in values.items()]
    return element("div", element("dl", *pairs), class_="call")


def _value(value: JsonValue) -> str:
    if isinstance(value, str):
        return value or element("span", "empty", class_="dim")
    return in_json(_pretty(value))


def _terms(link: Link, item: InboxItem) -> Html:
    interrupt = item.interrupt
    required = interrupt.required_approvals
    facts = {
        "You are": link.subject,
        "Agent": item.agent or item.agent_id,
        "Asked for by": ", ".join(interrupt.requesters) or item.owner or "",
        "Since": _moment(interrupt.created_at),
        "Answer until": _moment(interrupt.expires_at),
        "This link ends": _moment(link.expires_at),
        "Agree so far": f"{interrupt.approvals} of {required} people" if required > 1 else "",
    }
    return joined(element("h2", "About it"), _facts(facts))


def _facts(facts: Mapping[str, str]) -> Html:
    pairs = [joined(element("dt", name), element("dd", value)) for name, value in facts.items() if value]
    return element("dl", *pairs)


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _pretty(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
