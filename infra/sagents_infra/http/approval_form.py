"""The form behind an approval link, and what comes back of it."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from pydantic import JsonValue

from sagents.interrupts import Interrupt
from sagents_infra.http.html import Html, element, joined, typed
from sagents_infra.http.problems import INVALID, MALFORMED, STALE, UNSUPPORTED, Kind, Refusal
from sagents_infra.http.resolver import loaded
from sagents_infra.links.link import Link

FORM = "application/x-www-form-urlencoded"
UNCONFIRMED = Kind("not-confirmed", 422, "Nothing was decided yet")

CHOICES = {
    "approve": "Approve: let it run as it is shown",
    "reject": "Reject: it does not run",
    "edit": "Change the arguments, and let it run so",
    "respond": "Answer yourself",
}
FIELDS = {
    "reject": ("reason", "Why (the agent reads it; may be left out)"),
    "edit": ("arguments", "All arguments as JSON, as they shall be"),
    "respond": ("content", "Your answer"),
}
"""What goes with a decision: the name of the field, and its label."""


def fields(link: Link, interrupt: Interrupt, arguments: str, given: Mapping[str, str]) -> Html:
    """The form. Nothing is chosen before, and it is sent to the address of its page."""
    typed_before = {"arguments": arguments, **given}
    kinds = [kind for kind in CHOICES if kind in interrupt.allowed_decisions]
    return element(
        "form",
        element("input", type="hidden", name="digest", value=link.digest),
        element(
            "fieldset", element("legend", "Your decision"), *(_choice(kind, interrupt, typed_before) for kind in kinds)
        ),
        element("input", type="hidden", name="answer", value="words" if interrupt.response_schema is None else "json"),
        _pick("checkbox", "confirm", "confirm", "yes", f"I am {link.subject}, and I have read what is shown above."),
        element("button", "Send my decision", type="submit"),
        method="post",
        accept_charset="utf-8",
        autocomplete="off",
    )


def _choice(kind: str, interrupt: Interrupt, given: Mapping[str, str]) -> Html:
    parts = [_pick("radio", "type", kind, kind, CHOICES[kind], checked=given.get("type") == kind)]
    if kind in FIELDS:
        name, label = FIELDS[kind]
        if kind == "respond" and interrupt.response_schema is not None:
            label = f"{label} (a JSON value, or words)"
        field = element("textarea", typed(given.get(name, "")), id=name, name=name, rows="4")
        parts.append(element("div", element("label", label, for_=name), field, class_="more"))
    return element("div", *parts, class_="choice")


def _pick(type: str, name: str, id: str, value: str, label: str, *, checked: bool = False) -> Html:
    box = element("input", type=type, name=name, id=id, value=value, required=True, checked=checked)
    return element("div", joined(box, element("label", label, for_=id)), class_="pick")


def sent(body: str, content_type: str) -> Mapping[str, Any]:
    """The fields of a body, of a form or of JSON. Raises `Refusal` for another thing."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM:
        try:
            return dict(parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=20))
        except ValueError:
            raise Refusal(MALFORMED, "The form cannot be read.") from None
    if kind != "application/json":
        raise Refusal(UNSUPPORTED)
    try:
        found = loaded(body)
    except json.JSONDecodeError as error:
        raise Refusal(MALFORMED, f"It is no JSON that is taken: {error.msg}.") from None
    if not isinstance(found, dict):
        raise Refusal(INVALID, 'A decision is an object: {"type": "approve", "confirm": true}.')
    return found


def decision_of(given: Mapping[str, Any], *, of_form: bool) -> dict[str, Any]:
    """The decision, as the contract has it. Raises `Refusal` where nobody confirmed it, or a field cannot be read."""
    if given.get("confirm") not in ("yes", True):
        raise Refusal(UNCONFIRMED, "Say that you have read it: tick the box above the button (`confirm` in JSON).")
    kind = given.get("type")
    if not isinstance(kind, str) or not kind:
        raise Refusal(UNCONFIRMED, "Choose one of the decisions.")
    if not of_form:
        return {name: value for name, value in given.items() if name not in ("confirm", "digest")}
    name = FIELDS.get(kind, ("",))[0]
    typed_in = given.get(name, "").replace("\r\n", "\n")
    return {"type": kind, **({name: _read(kind, typed_in, given.get("answer"))} if typed_in else {})}


def check_digest(given: Mapping[str, Any], digest: str) -> None:
    """Raise where the page that was read is about another call than the link."""
    if given.get("digest", digest) != digest:
        raise Refusal(STALE, "What you have read is not what this link is about. Open the link once more.")


def _read(kind: str, written: str, answer: str | None) -> JsonValue:
    """What was typed into a field. An answer that may be JSON is words where it is none."""
    if kind != "edit" and (kind, answer) != ("respond", "json"):
        return written
    try:
        value: JsonValue = loaded(written)
    except json.JSONDecodeError as error:
        if kind == "respond":
            return written
        raise Refusal(INVALID, f"The arguments are no JSON: {error.msg} (line {error.lineno}).") from None
    return value
