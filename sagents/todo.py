"""A task of an agent's list (T-70, T-71, T-72). Ids are unique within their list, not beyond it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field

from sagents.errors import InvalidState
from sagents.frozen import Frozen
from sagents.reading import read


class TodoStatus(StrEnum):
    """How far a task is."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


KNOWN = frozenset(TodoStatus)
RESOLVED = frozenset({TodoStatus.COMPLETED, TodoStatus.CANCELLED})


def _number(value: Any) -> Any:
    """Numeric text as its number, because models send ids as they please; all else is left for validation to judge."""
    short_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18
    return int(value) if short_digits else value


class Todo(Frozen):
    """A task and how far it is. Its id is a positive integer; numeric text is read as one."""

    id: Annotated[int, Field(strict=True, gt=0), BeforeValidator(_number)]
    content: Annotated[str, Field(min_length=1, max_length=1000)]
    status: TodoStatus = TodoStatus.PENDING

    @property
    def is_resolved(self) -> bool:
        return self.status in RESOLVED

    @property
    def is_open(self) -> bool:
        return not self.is_resolved

    @classmethod
    def new(cls, **attrs: Any) -> Self:
        """A task, or `InvalidState`."""
        return read(cls, attrs)

    @classmethod
    def from_map(cls, data: Mapping[str, Any]) -> Self:
        """A task as it was written, or `InvalidState`. A status nobody knows is read as pending."""
        if not isinstance(data, Mapping):
            raise InvalidState(f"No valid Todo: a mapping is needed, not {type(data).__name__}.")
        status = data.get("status")
        known = isinstance(status, str) and status in KNOWN
        return read(cls, {**data, "status": status if known else TodoStatus.PENDING})

    @classmethod
    def list_from_maps(cls, items: Iterable[Mapping[str, Any]]) -> tuple[Self, ...]:
        """Tasks in order, or `InvalidState`. Ids that are missing or no number become the task's position.

        Where another task has that number by its own right, the next free one is taken.
        """
        items = tuple(items)
        given = [_given_id(item) for item in items]
        taken = {number for number in given if number is not None}
        todos = []
        for position, (item, number) in enumerate(zip(items, given, strict=True), start=1):
            if number is None:
                number = _free(position, len(items), taken)
                taken.add(number)
            todos.append(cls.from_map({**item, "id": number} if isinstance(item, Mapping) else item))
        return tuple(todos)

    def to_map(self) -> dict[str, Any]:
        """The task as JSON with every field written out, the status as text."""
        return {"id": self.id, "content": self.content, "status": str(self.status), **(self.model_extra or {})}


def is_resolved(value: Todo | TodoStatus | str) -> bool:
    """Whether a task, or a status, is completed or cancelled. A status nobody knows is open (T-72)."""
    match value:
        case Todo():
            return value.is_resolved
        case str():
            return value in RESOLVED
        case _:
            raise TypeError(f"A Todo or a status is needed, not {type(value).__name__}.")


def is_open(value: Todo | TodoStatus | str) -> bool:
    """The opposite of `is_resolved`."""
    return not is_resolved(value)


def _given_id(item: Any) -> int | None:
    number = _number(item.get("id")) if isinstance(item, Mapping) else None
    return number if type(number) is int and number > 0 else None


def _free(position: int, length: int, taken: set[int]) -> int:
    """The position, or the first number after the list that nobody has."""
    if position not in taken:
        return position
    return next(number for number in range(length + 1, 2 * length + 2) if number not in taken)
