"""How the state document reads what it is given: what does not fit is an `InvalidState` that names the place."""

from typing import Any, TypeVar

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from sagents.errors import InvalidState
from sagents.frozen import Frozen

Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")


class _Json(Frozen):
    value: JsonValue


def read(model: type[Model], data: Any) -> Model:
    """`data` as a `model`, or `InvalidState`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidState(f"No valid {model.__name__}: {explain(error)}") from error


def read_as(adapter: TypeAdapter[Value], data: Any, name: str) -> Value:
    """`data` as the adapter's type, or `InvalidState`; `name` says in the message what was read."""
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        raise InvalidState(f"No valid {name}: {explain(error)}") from error


def json_value(value: Any, name: str) -> JsonValue:
    """A copy of `value`, its JSON types exactly as they are, or `InvalidState` where it is no JSON (T-57, T-62)."""
    try:
        checked = _Json(value=value).value
        to_json(checked)  # finds what no JSON document can hold, as half of a surrogate pair
    except (ValidationError, PydanticSerializationError) as error:
        why = explain(error) if isinstance(error, ValidationError) else str(error)
        raise InvalidState(f"{name} must be plain JSON, to survive a save: {why}") from error
    return checked


def explain(error: ValidationError) -> str:
    """What does not fit and where, without the values: they may be private."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, detail['loc'])) or 'it'}: {detail['msg']}" for detail in details[:5])
