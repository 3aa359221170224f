"""What the user answered, checked by the rules of the question, in words for the model and for people (B-93, B-95)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from sagents.clipping import clipped
from sagents.decisions import Decision, Reject, Respond
from sagents.questions import OTHER, Question, ResponseType
from sagents.replies import WrongAnswer

CANCELLED = (
    "User cancelled this question. They do not want you to go on in this direction. "
    "Stop what you are doing and wait for further instructions."
)
FORMAT = 'Invalid response format. Expected {"selected": [...], "other_text": "..."} or a cancel'


def told(question: Question, decision: Decision) -> str:
    """The answer as the model reads it. Raises `WrongAnswer` for one that does not fit."""
    if isinstance(decision, Reject):
        _check_cancel(question)
        return f"{CANCELLED} Reason: {decision.reason}" if decision.reason else CANCELLED
    answer = _Answer(question, decision)
    if question.response_type is ResponseType.FREEFORM:
        return f'User responded: "{answer.text}"'
    more = f'\nAdditional input: "{answer.text}"' if answer.text else ""
    return f"User selected: {', '.join(answer.chosen)}{more}"


def shown(question: Question, decision: Decision) -> str:
    """The answer as people read it: labels, and the user's own words. Raises `WrongAnswer`."""
    if isinstance(decision, Reject):
        _check_cancel(question)
        return "User cancelled"
    answer = _Answer(question, decision)
    if question.response_type is ResponseType.FREEFORM:
        return answer.text
    labels = {option.value: option.label for option in question.options}
    chosen = [labels[value] for value in answer.chosen if value in labels]
    own = [f"Other: {answer.text}".rstrip()] if answer.text or len(chosen) < len(answer.chosen) else []
    return ", ".join([*chosen, *own])


def _check_cancel(question: Question) -> None:
    if not question.allow_cancel:
        raise WrongAnswer("Cancellation is not allowed for this question", pointer="/type")


class _Answer:
    """An answer that fits its question: the values that were selected, and the user's own words."""

    def __init__(self, question: Question, decision: Decision) -> None:
        if not isinstance(decision, Respond):
            raise WrongAnswer(FORMAT, pointer="/type")
        if not isinstance(decision.content, Mapping):
            raise WrongAnswer(FORMAT, pointer="/content")
        self.text = _text(decision.content)
        self.chosen = _chosen(decision.content)
        match question.response_type:
            case ResponseType.FREEFORM:
                self._check_text(decision.content)
            case ResponseType.SINGLE_SELECT if len(self.chosen) != 1:
                raise WrongAnswer("single_select requires exactly one selection", pointer="/content/selected")
            case ResponseType.MULTI_SELECT if not self.chosen:
                raise WrongAnswer("multi_select requires at least one selection", pointer="/content/selected")
            case _:
                self._check_chosen(question)

    def _check_text(self, content: Mapping[str, JsonValue]) -> None:
        if content.get("other_text") is None:
            raise WrongAnswer("freeform response requires 'other_text' field", pointer="/content")
        if not self.text.strip():
            raise WrongAnswer("freeform response text must not be empty", pointer="/content/other_text")

    def _check_chosen(self, question: Question) -> None:
        unknown = [value for value in self.chosen if value not in question.values]
        if OTHER in unknown and not question.allow_other:
            raise WrongAnswer("'other' is not allowed for this question", pointer=self._place(OTHER))
        wrong = [value for value in unknown if value != OTHER]
        if not wrong:
            return
        valid = f"Valid: {_listed(question.values)}"
        if question.response_type is ResponseType.SINGLE_SELECT:
            text = f"Selected value '{wrong[0]}' is not a valid option. {valid}"
        else:
            text = f"Invalid selections: {_listed(wrong)}. {valid}"
        raise WrongAnswer(clipped(text), pointer=self._place(wrong[0]))

    def _place(self, value: Any) -> str:
        return f"/content/selected/{self.chosen.index(value)}"


def _text(content: Mapping[str, JsonValue]) -> str:
    text = content.get("other_text")
    if text is not None and not isinstance(text, str):
        raise WrongAnswer("'other_text' must be a string", pointer="/content/other_text")
    return text or ""


def _chosen(content: Mapping[str, JsonValue]) -> list[Any]:
    chosen = content.get("selected")
    return list(chosen) if isinstance(chosen, list | tuple) else []


def _listed(values: Sequence[Any]) -> str:
    return json.dumps(values, ensure_ascii=False)
