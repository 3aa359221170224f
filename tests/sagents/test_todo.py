"""Todos: what is read as one, how they are written, and which are open."""

from typing import Any

import pytest
from pydantic import ValidationError

from sagents.errors import InvalidState
from sagents.todo import Todo, TodoStatus, is_open, is_resolved


def test_numeric_text_is_read_as_an_id() -> None:
    """T-70, E-23."""
    assert Todo.new(id="3", content="x") == Todo(id=3, content="x")
    assert Todo.new(id="01", content="x").id == 1


@pytest.mark.parametrize("id", [None, 0, -1, "0", "x", "1.5", 1.0, True, "²", [], "9" * 5000])
def test_other_ids_are_refused(id: Any) -> None:
    """T-70: positive integers only."""
    with pytest.raises(InvalidState):
        Todo.new(id=id, content="x")


def test_id_is_required() -> None:
    """T-70, E-23: there is no automatic one."""
    with pytest.raises(InvalidState, match="id"):
        Todo.new(content="x")
    with pytest.raises(InvalidState, match="id"):
        Todo.from_map({"content": "x"})
    with pytest.raises(ValidationError):
        Todo.model_validate({"content": "x"})


@pytest.mark.parametrize(("length", "fits"), [(0, False), (1, True), (1000, True), (1001, False)])
def test_content_has_one_to_a_thousand_characters(length: int, fits: bool) -> None:
    """T-70."""
    if fits:
        assert len(Todo(id=1, content="x" * length).content) == length
    else:
        with pytest.raises(InvalidState, match="content"):
            Todo.new(id=1, content="x" * length)


def test_status_is_pending_unless_said() -> None:
    """T-70."""
    assert Todo(id=1, content="x").status is TodoStatus.PENDING
    with pytest.raises(InvalidState):
        Todo.new(id=1, content="x", status="someday")


def test_map_of_a_todo_writes_every_field_as_json() -> None:
    """T-71."""
    assert Todo(id=1, content="x").to_map() == {"id": 1, "content": "x", "status": "pending"}
    assert type(Todo(id=1, content="x").to_map()["status"]) is str


@pytest.mark.parametrize("status", ["someday", None, 7, ["pending"]])
def test_unknown_status_in_a_map_is_read_as_pending(status: Any) -> None:
    """T-71, E-23."""
    assert Todo.from_map({"id": 1, "content": "x", "status": status}).status is TodoStatus.PENDING


def test_map_is_read_back_with_fields_of_a_newer_writer() -> None:
    """T-71."""
    written = {"id": 1, "content": "x", "status": "cancelled", "due": "tomorrow"}
    assert Todo.from_map(written).to_map() == written


def test_what_is_no_map_is_no_todo() -> None:
    """T-71."""
    wrong: Any = ["id"]
    with pytest.raises(InvalidState):
        Todo.from_map(wrong)
    with pytest.raises(InvalidState):
        Todo.list_from_maps([wrong])


def test_missing_and_non_numeric_ids_become_positions() -> None:
    """T-71, E-23: older saves had random text for ids."""
    legacy: list[dict[str, Any]] = [{"id": "kx9w==", "content": "a"}, {"content": "b"}, {"id": None, "content": "c"}]
    assert [todo.id for todo in Todo.list_from_maps(legacy)] == [1, 2, 3]


def test_given_ids_are_kept_and_never_given_twice() -> None:
    """T-71."""
    items: list[dict[str, Any]] = [
        {"content": "a"},
        {"id": "7", "content": "b"},
        {"id": 1, "content": "c"},
        {"content": "d"},
    ]
    assert [todo.id for todo in Todo.list_from_maps(items)] == [5, 7, 1, 4]


@pytest.mark.parametrize(
    ("status", "resolved"), [("pending", False), ("in_progress", False), ("completed", True), ("cancelled", True)]
)
def test_resolved_and_open_are_opposites_for_todo_status_and_text(status: str, resolved: bool) -> None:
    """T-72."""
    todo = Todo(id=1, content="x", status=TodoStatus(status))
    assert (todo.is_resolved, todo.is_open) == (resolved, not resolved)
    for value in (todo, TodoStatus(status), status):
        assert (is_resolved(value), is_open(value)) == (resolved, not resolved)


def test_unknown_status_is_open() -> None:
    """T-72, E-23."""
    assert is_open("someday")


def test_other_things_are_neither_resolved_nor_open() -> None:
    """T-72."""
    wrong: Any = 3
    with pytest.raises(TypeError):
        is_resolved(wrong)
    with pytest.raises(TypeError):
        is_open(wrong)
