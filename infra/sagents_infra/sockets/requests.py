"""What a browser may send: one JSON object a message."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sagents.client.watching import LAST_ID
from sagents_infra.channels.frames import LONGEST
from sagents_infra.http.models import ID
from sagents_infra.http.problems import INVALID, MALFORMED, TOO_LARGE, Refusal
from sagents_infra.http.resolver import loaded

Conversation = Annotated[str, Field(pattern=ID)]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Subscribe(Request):
    """Tell what happens in a conversation, after an event that is known (0: from the beginning)."""

    type: Literal["subscribe"]
    conversation: Conversation
    after: int = Field(default=0, ge=0, le=LAST_ID)


class Unsubscribe(Request):
    type: Literal["unsubscribe"]
    conversation: Conversation


class Send(Request):
    """Say something. With the same `id` it counts once, however often it is sent."""

    type: Literal["send"]
    conversation: Conversation
    text: str = Field(min_length=1)
    id: str = Field(min_length=1, max_length=200)


class Ping(Request):
    """Still here."""

    type: Literal["ping"]


Asked = Subscribe | Unsubscribe | Send | Ping
REQUESTS: TypeAdapter[Asked] = TypeAdapter(Annotated[Asked, Field(discriminator="type")])


def read(text: str) -> Asked:
    """The request. Raises `Refusal`; what does not fit is said by its place, never by its value."""
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST:
        raise Refusal(TOO_LARGE, f"A message may have {LONGEST:,} bytes; the HTTP API takes longer ones.")
    try:
        value = loaded(text)
    except ValueError:
        raise Refusal(MALFORMED, "A message is one JSON object.") from None
    try:
        return REQUESTS.validate_python(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise Refusal(INVALID, "; ".join(f"{_place(one['loc'])}: {one['msg']}" for one in found[:5])) from None


def about(text: str) -> dict[str, Any]:
    """Which request a problem is about, as far as that can be read."""
    try:
        value = loaded(text)
    except ValueError:
        return {}
    given = value if isinstance(value, dict) else {}
    return {name: given[name] for name in ("type", "conversation", "id") if isinstance(given.get(name), str)}


def _place(path: tuple[int | str, ...]) -> str:
    return "/" + "/".join(map(str, path[1:])) if len(path) > 1 else "type"
