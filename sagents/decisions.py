"""The answers that a person may give to an interrupt (DESIGN section 8).

Value objects with positional arguments, so that people write `Reject("too late")`; `type` tells them apart on the wire.
"""

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, TypeAdapter
from pydantic.dataclasses import dataclass
from pydantic_core import to_json

from sagents.frozen import LATER


@dataclass(frozen=True)
class Approve:
    """Run the tool as it was asked for. `extend` raises a budget."""

    extend: dict[str, JsonValue] | None = None
    type: Literal["approve"] = field(default="approve", kw_only=True, repr=False)


@dataclass(frozen=True)
class Edit:
    """Run the tool with other arguments."""

    arguments: dict[str, JsonValue]
    type: Literal["edit"] = field(default="edit", kw_only=True, repr=False)


@dataclass(frozen=True)
class Reject:
    """Do not run the tool; the model reads the reason."""

    reason: str | None = None
    type: Literal["reject"] = field(default="reject", kw_only=True, repr=False)


@dataclass(frozen=True)
class Respond:
    """A person's words, or a value that fits the `response_schema`, are the result."""

    content: JsonValue
    type: Literal["respond"] = field(default="respond", kw_only=True, repr=False)

    @property
    def text(self) -> str:
        """As a model reads it: words as they are, other values as JSON."""
        return self.content if isinstance(self.content, str) else to_json(self.content).decode()


Decision = Annotated[Approve | Edit | Reject | Respond, Field(discriminator="type")]
DECISION: TypeAdapter[Any] = TypeAdapter(Decision, config=LATER)
KINDS_OF_DECISION = ("approve", "edit", "reject", "respond")
