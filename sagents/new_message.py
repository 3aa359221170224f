"""What people say, as doors take it."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import ConfigDict, JsonValue, field_validator
from pydantic_core import to_jsonable_python

from sagents.errors import InvalidInput
from sagents.frozen import Frozen
from sagents.messages import ContentPart, Message, Role
from sagents.refusing import parsed

MAX_MESSAGE_BYTES = 2 * 1024 * 1024


class Command(Frozen):
    """Doors are strict: a misspelt field is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid")


class NewMessage(Command):
    """A user's message; it starts a run, or waits for the end of the one under way. A repeated `id` is ignored.

    `role` may be spelt out, but only a user may be queued (B-74). `by` a tool counts for the breaker (B-76).
    """

    kind: Literal["message"] = "message"
    content: str | tuple[ContentPart, ...]
    id: str | None = None
    display: str | tuple[ContentPart, ...] | None = None
    """What people see of it instead, where that is something else; an empty text is nothing (B-64)."""
    sender: str | None = None
    """Whose message it is, where a door knows: who asks for something cannot always approve it."""
    role: Role = Role.USER
    by: Literal["human", "tool"] = "human"

    @field_validator("role")
    @classmethod
    def _only_users(cls, role: Role) -> Role:
        if role is not Role.USER:
            raise ValueError(f"Cannot queue a :{role} message. Only :user messages can be queued.")
        return role

    @property
    def message(self) -> Message:
        shown: dict[str, JsonValue] = {} if self.display is None else {"display": self.displayed}
        return Message.user(self.content, id=self.id, metadata=shown)

    @property
    def displayed(self) -> JsonValue:
        """What is shown, as JSON."""
        return to_jsonable_python(self.display)  # type: ignore[no-any-return] # of text and parts it is JSON


def parse_message(payload: Any) -> NewMessage:
    """A message from `"text"`, `{"content": ...}` or a JSON text of either."""
    if isinstance(payload, str):
        payload = {"content": payload}
    message = parsed(NewMessage, payload, 'add_message takes "text" or {"content": ..., "id": ...}')
    if len(json.dumps(message.model_dump(mode="json"))) > MAX_MESSAGE_BYTES:
        raise InvalidInput(f"A message may have {MAX_MESSAGE_BYTES:,} bytes at most; put larger content in a file.")
    return message
