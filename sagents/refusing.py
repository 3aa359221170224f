"""How doors read payloads: what does not fit is an `InvalidInput` in words."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sagents.errors import InvalidInput
from sagents.nesting import MAX_DEPTH, is_deep

V = TypeVar("V", bound=BaseModel)


def parsed(kind: type[V], payload: Any, form: str) -> V:
    """The payload as this kind of values; raises `InvalidInput` with the form that is taken."""
    check_depth(payload)
    try:
        return kind.model_validate(payload)
    except ValidationError as error:
        raise InvalidInput(f"{form}; {explain(error)}") from None


def check_depth(payload: Any) -> None:
    """Raise where it is nested too deeply."""
    if is_deep(payload):
        raise InvalidInput(f"The payload is nested too deeply: {MAX_DEPTH} levels are taken at most.")


def explain(error: ValidationError) -> str:
    """What does not fit, field by field, without pydantic's links and the values themselves."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'the payload'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:5]
    )
