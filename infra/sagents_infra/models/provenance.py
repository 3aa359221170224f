"""What a provider attaches to its words and wants back with the next request: signatures, ids, who said it.

It travels in `ContentPart.options`, `ToolCall.metadata` and `Message.metadata["provider"]`, as JSON, and goes back to
the provider it came from only: Pydantic AI compares.
"""

from collections.abc import Mapping
from typing import Any

import pydantic_core
from pydantic import JsonValue
from pydantic_ai.messages import ModelResponse

_MARKS = ("id", "signature", "provider_name", "provider_details")
_STAMPS = ("provider_name", "provider_url", "canonical_system", "provider_response_id", "model_name")
STAMP = "provider"
"""The key of a reply's stamp in `Message.metadata`."""


def marks_of(part: object) -> dict[str, JsonValue]:
    """What a part of a reply carries besides its content."""
    return {key: as_json(value) for key in _MARKS if (value := getattr(part, key, None))}


def marks_in(kept: Mapping[str, JsonValue], *, signed: bool = False) -> dict[str, Any]:
    """The same, from where we keep it; only thoughts are signed."""
    return {key: kept[key] for key in _MARKS if key in kept and (signed or key != "signature")}


def stamp_of(response: ModelResponse) -> dict[str, JsonValue]:
    """Who made a reply."""
    return {key: value for key in _STAMPS if (value := getattr(response, key))}


def stamp_in(metadata: Mapping[str, JsonValue]) -> dict[str, Any]:
    """The same, from a message's metadata; what is no string was not written here."""
    stamp = metadata.get(STAMP)
    if not isinstance(stamp, dict):
        return {}
    return {key: value for key in _STAMPS if isinstance(value := stamp.get(key), str)}


def as_json(value: Any) -> Any:
    """A provider's data as JSON."""
    return pydantic_core.to_jsonable_python(value, fallback=str, inf_nan_mode="null")
