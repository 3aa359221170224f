"""A question of the agent's to the user: what is asked, and what an answer looks like (B-92)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import JsonValue, ValidationError

from sagents.frozen import Frozen
from sagents.interrupts import Interrupt

ASK_USER_QUESTION = "ask_user_question"
"""The type in the data of such an interrupt."""

OTHER = "other"
"""What selects the user's own words, unless an option has this value."""


class ResponseType(StrEnum):
    """How the user answers: with one of the options, some of them, or their own words."""

    SINGLE_SELECT = "single_select"
    MULTI_SELECT = "multi_select"
    FREEFORM = "freeform"


class Option(Frozen):
    """Something to choose: people see the label, the model reads the value."""

    label: str
    value: str
    description: str | None = None


class Question(Frozen):
    """What the user is asked."""

    question: str
    response_type: ResponseType
    options: tuple[Option, ...] = ()
    allow_other: bool = False
    allow_cancel: bool = True
    context: str | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self | None:
        """The question in an interrupt's data; None where it is something else, or unreadable."""
        if data.get("type") != ASK_USER_QUESTION:
            return None
        try:
            return cls.model_validate(data)
        except ValidationError:
            return None

    @property
    def data(self) -> dict[str, JsonValue]:
        """All of it, for pages (B-92)."""
        options: list[JsonValue] = [
            {"label": option.label, "value": option.value, "description": option.description} for option in self.options
        ]
        return {
            "type": ASK_USER_QUESTION,
            "question": self.question,
            "response_type": str(self.response_type),
            "options": options,
            "allow_other": self.allow_other,
            "allow_cancel": self.allow_cancel,
            "context": self.context,
        }

    @property
    def response_schema(self) -> dict[str, JsonValue]:
        """What an answer looks like, as JSON Schema."""
        if self.response_type is ResponseType.FREEFORM:
            words: dict[str, JsonValue] = {"other_text": {"type": "string", "minLength": 1}}
            return {"type": "object", "properties": words, "required": ["other_text"]}
        values: list[JsonValue] = [*self.values, *([OTHER] if self.allow_other and OTHER not in self.values else ())]
        selected: dict[str, JsonValue] = {"type": "array", "items": {"enum": values}, "minItems": 1}
        if self.response_type is ResponseType.SINGLE_SELECT:
            selected["maxItems"] = 1
        properties: dict[str, JsonValue] = {"selected": selected, "other_text": {"type": ["string", "null"]}}
        return {"type": "object", "properties": properties, "required": ["selected"]}

    @property
    def allowed_decisions(self) -> tuple[str, ...]:
        return ("respond", "reject") if self.allow_cancel else ("respond",)

    @property
    def values(self) -> list[str]:
        """What may be selected, besides the user's own words."""
        return [option.value for option in self.options]


def question_of(interrupt: Interrupt) -> Question | None:
    """The question that an interrupt asks; None where it is something else."""
    return Question.of(interrupt.data)
