"""A question as a model asks it: the schema of `ask_user`, and what its arguments come to (B-91)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from sagents.questions import Option, Question, ResponseType
from sagents.replies import ModelRetry

FEWEST, MOST = 2, 10
"""How many options there are to choose from."""

MEANINGS = {
    ResponseType.SINGLE_SELECT: "pick one",
    ResponseType.MULTI_SELECT: "pick one or more",
    ResponseType.FREEFORM: "open text, without options",
}


def question_from(arguments: Mapping[str, Any], kinds: Sequence[ResponseType], forced: Mapping[str, bool]) -> Question:
    """The question, with what is `forced` for all of them. Raises `ModelRetry` for what cannot be asked."""
    text, context = arguments.get("question"), arguments.get("context")
    if not isinstance(text, str) or not text.strip():
        raise ModelRetry("Question must be a non-empty string")
    kind = _kind(arguments.get("response_type"), kinds)
    flags = {name: arguments.get(name) for name in ("allow_other", "allow_cancel")}
    return Question(
        question=text,
        response_type=kind,
        options=_options(kind, arguments.get("options")),
        context=context if isinstance(context, str) else None,
        **{name: value for name, value in {**flags, **forced}.items() if isinstance(value, bool)},
    )


def _kind(named: Any, enabled: Sequence[ResponseType]) -> ResponseType:
    if named not in tuple(ResponseType):
        raise ModelRetry(f"Invalid response_type: {named}")
    if named not in enabled:
        raise ModelRetry(f"Response type '{named}' is not enabled. Enabled types: {', '.join(enabled)}")
    return ResponseType(named)


def parameters(kinds: Sequence[ResponseType], forced: Mapping[str, bool]) -> dict[str, JsonValue]:
    """The JSON Schema of the tool; what is forced is not the model's to say."""
    flags: dict[str, JsonValue] = {
        "allow_other": {"type": "boolean", "default": False, "description": "The user may answer in their own words"},
        "allow_cancel": {"type": "boolean", "default": True, "description": "The user may refuse to answer"},
    }
    meanings = "; ".join(f"{kind}: {MEANINGS[kind]}" for kind in kinds)
    own = {name: flag for name, flag in flags.items() if name not in forced}
    return {
        "type": "object",
        "properties": {
            "question": {"type": "string", "description": "What the user is asked"},
            "response_type": {"type": "string", "enum": [str(kind) for kind in kinds], "description": meanings},
            "options": _OPTIONS,
            "context": {"type": "string", "description": "What helps the user to decide"},
            **own,
        },
        "required": ["question", "response_type"],
    }


_OPTIONS: dict[str, JsonValue] = {
    "type": "array",
    "description": f"{FEWEST} to {MOST} options to choose from, each with a value of its own; none for freeform",
    "items": {
        "type": "object",
        "properties": {
            "label": {"type": "string", "description": "What the user reads"},
            "value": {"type": "string", "description": "What you read if the user chooses it"},
            "description": {"type": "string", "description": "What it means to choose it"},
        },
        "required": ["label", "value"],
    },
}


def _options(kind: ResponseType, given: Any) -> tuple[Option, ...]:
    if kind is ResponseType.FREEFORM:
        if given:
            raise ModelRetry("freeform questions must not have options")
        return ()
    given = [] if given is None else given
    if not isinstance(given, list):
        raise ModelRetry(f"Options must be an array for {kind}")
    count = len(given)
    if count < FEWEST:
        raise ModelRetry(f"{kind} requires at least {FEWEST} options, got {count}")
    if count > MOST:
        raise ModelRetry(f"{kind} allows at most {MOST} options, got {count}")
    options = tuple(map(_option, given))
    values = [option.value for option in options]
    if twice := next((value for value in values if values.count(value) > 1), None):
        raise ModelRetry(f"Duplicate option value: {twice}")
    return options


def _option(given: Any) -> Option:
    texts = given if isinstance(given, Mapping) else {}
    for name in ("label", "value"):
        if not isinstance(texts.get(name), str) or not texts[name].strip():
            raise ModelRetry(f"Each option must have a non-empty '{name}'")
    description = texts.get("description")
    return Option(
        label=texts["label"],
        value=texts["value"],
        description=description if isinstance(description, str) else None,
    )
