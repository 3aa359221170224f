"""A function's signature as a JSON Schema, and a model's arguments as Python values or a text for the model."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema, from_json, to_json

from sagents.errors import InvalidAgent
from sagents.mistakes import Mistake, explained, missing, refusal, short, unknown
from sagents.tool_context import ToolContext

PREFIX = "p_"
"""Before each field's name, so that parameters called `json` or `_x` do not meet pydantic's own names."""


class Parameters(Protocol):
    """What a tool takes."""

    @property
    def schema(self) -> Mapping[str, JsonValue]:
        """A JSON Schema of type object."""

    def validated(self, tool: str, arguments: Mapping[str, Any] | str) -> dict[str, Any]:
        """The arguments as Python values, defaults filled in; raises `InvalidArguments`."""


@dataclass(frozen=True)
class SignatureParameters:
    """Parameters of a typed function. They are always read from JSON, so that a test meets what a model meets."""

    model: type[BaseModel]
    schema: Mapping[str, JsonValue]

    def validated(self, tool: str, arguments: Mapping[str, Any] | str) -> dict[str, Any]:
        text, values = _as_object(tool, arguments)
        try:
            fields = self.model.model_validate_json(text)
        except ValidationError as error:
            known = [field.alias or "" for field in self.model.model_fields.values()]
            problems = [explained(p, known, values) for p in error.errors(include_url=False, include_context=False)]
            raise refusal(tool, problems) from None
        return {name.removeprefix(PREFIX): getattr(fields, name) for name in self.model.model_fields}


@dataclass(frozen=True)
class SchemaParameters:
    """Parameters of a tool that somebody else describes, as an MCP server does; its owner validates the values."""

    schema: Mapping[str, JsonValue]

    def validated(self, tool: str, arguments: Mapping[str, Any] | str) -> dict[str, Any]:
        values = _as_object(tool, arguments)[1]
        required, properties = self.schema.get("required"), self.schema.get("properties")
        known = list(properties) if isinstance(properties, dict) else []
        needed = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        problems = [missing(name) for name in needed if name not in values]
        if self.schema.get("additionalProperties") is False:
            problems += [unknown(name, known) for name in values if name not in known]
        if problems:
            raise refusal(tool, problems)
        return values


def takes_context(signature: inspect.Signature) -> bool:
    """Whether the first parameter is a `ToolContext`."""
    first = next(iter(signature.parameters.values()), None)
    return first is not None and _is_context(first)


def signature_of(name: str, function: Callable[..., Any]) -> inspect.Signature:
    """The signature with its annotations resolved; raises `InvalidAgent` where that is not possible."""
    try:
        return inspect.signature(function, eval_str=True)
    except NameError as error:
        raise InvalidAgent(
            f"Tool {name!r}: {error}. Annotations must be importable names of the tool's module."
        ) from error
    except (TypeError, ValueError) as error:
        raise InvalidAgent(f"Tool {name!r} cannot be read: {error}") from error


def parameters_of(
    name: str, signature: inspect.Signature, descriptions: Mapping[str, str], module: str
) -> SignatureParameters:
    """What a function of `module` takes, its `ToolContext` left out.

    Raises `InvalidAgent` where a model could not call it.
    """
    parameters = list(signature.parameters.values())[takes_context(signature) :]
    for parameter in parameters:
        _check(name, parameter)
    try:
        fields: dict[str, Any] = {PREFIX + p.name: _field(p, descriptions.get(p.name)) for p in parameters}
        model = create_model(name, __config__=ConfigDict(extra="forbid"), __module__=module, **fields)
        schema = model.model_json_schema(schema_generator=_BriefSchema)
    except (PydanticUserError, NameError, TypeError) as error:
        raise InvalidAgent(f"Tool {name!r} has a parameter that no JSON Schema describes: {error}") from error
    schema.pop("title", None)
    return SignatureParameters(model, schema)


def _check(tool: str, parameter: inspect.Parameter) -> None:
    if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        raise InvalidAgent(f"Tool {tool!r} takes `{parameter}`: a model names its arguments, so list each of them.")
    if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise InvalidAgent(f"Tool {tool!r} takes {parameter.name!r} by position only, but a model names its arguments.")
    if _is_context(parameter):
        raise InvalidAgent(f"Tool {tool!r}: the ToolContext ({parameter.name!r}) has to be its first parameter.")
    if parameter.annotation is inspect.Parameter.empty:
        raise InvalidAgent(
            f"Tool {tool!r}: parameter {parameter.name!r} has no type; write `{parameter.name}: str`, for example."
        )


def _is_context(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.annotation, type) and issubclass(parameter.annotation, ToolContext)


def _field(parameter: inspect.Parameter, description: str | None) -> tuple[Any, Any]:
    own = FieldInfo.from_annotation(parameter.annotation)
    more = Field(alias=parameter.name, description=own.description or description)
    default = ... if parameter.default is inspect.Parameter.empty else parameter.default
    return Annotated[parameter.annotation, more], default


class _BriefSchema(GenerateJsonSchema):
    """Without the titles that pydantic makes of names: they cost tokens and tell a model nothing."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - as in the base class

    def field_title_should_be_set(self, schema: CoreSchema) -> bool:  # noqa: ARG002 - as in the base class
        return False


def _as_object(tool: str, arguments: Mapping[str, Any] | str) -> tuple[str | bytes, dict[str, Any]]:
    """The arguments as JSON text and as an object. Nothing at all is an empty object: so models call without any."""
    try:
        text = (arguments.strip() or "{}") if isinstance(arguments, str) else to_json(arguments)
        values = from_json(text)
    except ValueError as error:
        raise refusal(tool, [Mistake(f"they are not valid JSON: {error}")]) from None
    if not isinstance(values, dict):
        raise refusal(tool, [Mistake(f"they have to be one JSON object, not {short(values)}")])
    return text, values
