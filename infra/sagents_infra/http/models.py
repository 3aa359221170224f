"""What travels over HTTP about conversations, in both directions."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainSerializer
from pydantic_core import to_jsonable_python

from sagents.display import DisplayMessage
from sagents.events import Event
from sagents.frozen import Frozen
from sagents.messages import ContentPart
from sagents.status import Status


def whole(value: Frozen) -> dict[str, JsonValue]:
    """Every field that has a value, those at their default too: who reads this need not know our defaults."""
    fields = {name: to_jsonable_python(getattr(value, name)) for name in type(value).model_fields}
    return {name: given for name, given in fields.items() if given is not None}


WHOLE = PlainSerializer(whole, return_type=dict[str, JsonValue])

ID = r"^[A-Za-z0-9._:@-]{1,120}$"

ConversationId = Annotated[str, Path(pattern=ID, description="The conversation's id.", examples=["7"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="Makes a repetition harmless: requests of one caller with one key count once.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=200, description="At most so many.")]
LAST = 2**63 - 1
"""The largest number of an event or a row; no store has room for more."""


def shown(example: dict[str, Any]) -> ConfigDict:
    """A model that shows this example in the OpenAPI document, and takes nothing that it does not know."""
    return ConfigDict(extra="forbid", defer_build=True, json_schema_extra={"example": example})


class NewMessage(BaseModel):
    """Something that a user says."""

    model_config = shown({"content": "Where is my order 7?"})

    content: str | tuple[ContentPart, ...]


class NewConversation(BaseModel):
    """A conversation to start. Who asks owns it."""

    model_config = shown({"agent": "support", "conversation_id": "7", "message": "Where is my order 7?"})

    agent: str = Field(default="", max_length=100, description="Its name; one agent alone needs none.")
    conversation_id: str | None = Field(default=None, pattern=ID, description="Without one it gets a new one.")
    message: str | None = Field(default=None, description="The first thing said, where there is one already.")
    options: dict[str, JsonValue] = Field(default_factory=dict, description="What the agent's factory takes.")
    lifecycle: dict[str, JsonValue] | None = Field(
        default=None, description="How long it stays, as on the wire: `inactivity_timeout_ms` and so on."
    )
    state: dict[str, JsonValue] | None = Field(default=None, description="An exported state to begin with.")


class Started(BaseModel):
    """The conversation that was started, or that there was already."""

    model_config = shown(
        {"id": "7", "agent_id": "conversation-7", "started": True, "message_id": "msg_0b7e3c", "status": "running"}
    )

    id: str
    agent_id: str
    started: bool = Field(description="Whether this request started its agent.")
    message_id: str | None = None
    status: Status | None = None


class Taken(BaseModel):
    """A message that was taken. Its id is the same for each repetition."""

    model_config = shown({"message_id": "msg_0b7e3c", "agent_id": "conversation-7", "status": "running"})

    message_id: str
    agent_id: str
    status: Status


class Done(BaseModel):
    """A command that was taken, and what the agent does now."""

    model_config = shown({"status": "cancelled"})

    status: Status
    decisions: list[dict[str, JsonValue]] | None = None


class Rows(BaseModel):
    """A page of a transcript: what people see, oldest first."""

    model_config = shown({"rows": [], "before": None, "after": 12})

    rows: list[Annotated[DisplayMessage, WHOLE]]
    before: int | None = Field(description="Ask for `before` this for earlier ones; null where there are none.")
    after: int | None = Field(description="Ask for `after` this for later ones.")


class Events(BaseModel):
    """What happened after an event, in order."""

    model_config = shown({"agent_id": "conversation-7", "events": [], "after": 12})

    agent_id: str
    events: list[Annotated[Event, WHOLE]]
    after: int = Field(description="The id to ask on from.")


class Reason(BaseModel):
    """Why, in words that are kept."""

    model_config = shown({"reason": "asked by phone"})

    reason: str | None = Field(default=None, max_length=500)


class Stopped(BaseModel):
    """What a stop came to: `stopping` means that a run may end first."""

    model_config = shown({"outcome": "stopped"})

    outcome: str


class Deleted(BaseModel):
    """What became of a conversation that nobody will see again."""

    model_config = shown({"outcome": "deleted"})

    outcome: str


class Touched(BaseModel):
    """Whether the clock of inactivity starts again; not where the last activity was a moment ago."""

    model_config = shown({"touched": True})

    touched: bool


class Agents(BaseModel):
    """The names of the agents that can be started."""

    model_config = shown({"agents": ["research", "support"]})

    agents: list[str]


class Health(BaseModel):
    """Whether this door and what is behind it work."""

    model_config = shown({"status": "ok", "version": "0.1.0"})

    status: str
    version: str
