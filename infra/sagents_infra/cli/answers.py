"""Decisions as people type them: `approve`, `reject too late`, `edit {"amount": 5}`, `respond tomorrow`."""

import json
from collections.abc import Sequence
from typing import Any

from sagents import Approve, Decision, Edit, InvalidInput, Reject, Respond

SHORT = {"a": "approve", "y": "approve", "yes": "approve", "r": "reject", "n": "reject", "no": "reject", "e": "edit"}
FORMS = "approve · reject [REASON] · edit '{json}' · respond TEXT"


def decision(words: Sequence[str], reason: str | None = None) -> Decision:
    """One decision; `InvalidInput` says which there are."""
    kind = SHORT.get(words[0].lower(), words[0].lower()) if words else ""
    rest = " ".join(words[1:])
    match kind:
        case "approve" if not rest:
            return Approve()
        case "reject":
            return Reject(reason or rest or None)
        case "edit" if rest:
            return Edit(_arguments(rest))
        case "respond" if rest:
            return Respond(rest)
        case _:
            raise InvalidInput(f"{' '.join(words)!r} is no decision; write {FORMS}.")


def decisions(words: Sequence[str], reason: str | None = None) -> tuple[Decision, ...]:
    """Several plain ones in a row (`approve reject approve`), one per interrupt, else a single one."""
    plain = {"approve", "reject"}
    if len(words) > 1 and all(word.lower() in plain for word in words):
        return tuple(decision([word], reason) for word in words)
    return (decision(words, reason),)


def response(text: str, value: str | None) -> Respond:
    """An answer in words, or as a JSON value."""
    if bool(text) == (value is not None):
        raise InvalidInput("One answer is needed: TEXT, or --value JSON.")
    if value is None:
        return Respond(text)
    try:
        return Respond(json.loads(value))
    except ValueError as error:
        raise InvalidInput(f"The answer is no JSON ({error}); words go without --value.") from None


def _arguments(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"The new arguments are no JSON ({error}); write edit '{{\"name\": value}}'.") from None
    if not isinstance(arguments, dict):
        raise InvalidInput("The new arguments are an object: edit '{\"name\": value}'.")
    return arguments
