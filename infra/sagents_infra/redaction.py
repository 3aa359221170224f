"""What must never stand in a log or a trace: keys, tokens, and what tools are called with."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[hidden]"

NAMES = re.compile(
    r"(?:^|[_-])(?:api[_-]?keys?|authorization|arguments|cookies?|credentials?|passw(?:or)?d|private[_-]?key|secrets?|"
    r"signature|signing[_-]?keys?|tokens?|x-api-key)$",
    re.IGNORECASE,
)
"""Names of fields whose values are not shown; `input_tokens` is a number, and those are."""

TEXTS = re.compile(
    r"\b(?:sk|pk|rk)-[\w-]{8,}|\bAKIA[0-9A-Z]{16}\b|\bASIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\bAIza[\w-]{30,}|\bxox[abprs]-[\w-]{10,}"
    r"|(?<=Bearer )[\w.~+/=-]{8,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
    r"|(?<=://)[^\s:@/]+:[^\s@/]+(?=@)|(?<=X-Amz-Signature=)\w+|(?<=X-Amz-Security-Token=)[\w%]+"
)
"""Keys and tokens as they look, inside of other text."""

DEPTH = 6


def without_secrets(value: Any, depth: int = 0) -> Any:
    """The same with secrets hidden, in texts, mappings and sequences; what is deeper than anybody reads is cut."""
    match value:
        case str():
            return TEXTS.sub(HIDDEN, value)
        case Mapping() if depth < DEPTH:
            return {key: shown(str(key), each, depth + 1) for key, each in value.items()}
        case list() | tuple() | set() | frozenset() if depth < DEPTH:
            return [without_secrets(each, depth + 1) for each in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return TEXTS.sub(HIDDEN, str(value)) if depth < DEPTH else HIDDEN


def shown(name: str, value: Any, depth: int = 0) -> Any:
    """A field's value, as far as its name allows."""
    if NAMES.search(name) and not isinstance(value, bool | int | float | None):
        return HIDDEN
    return without_secrets(value, depth)
