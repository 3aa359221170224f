"""The agent's list of tasks: what the model reads of it, what people see."""

from typing import Any

import pytest

from sagents import Agent, HookContext, InvalidAgent, State, Todo, TodoStatus
from sagents.messages import ToolResult
from sagents.middleware import TodoList
from sagents.operations import SetTodos, difference
from sagents.plan import AgentRef, Reference, RunSpec, StepRequest
from sagents.step import take_step
from sagents.testing import Reply, ScriptedModel, StillTime, calls_raw, says, talk

PLANNER = Agent(model="test:any", middleware=[TodoList()], default_middleware=False)


def writes(*todos: dict[str, Any], merge: bool | str = False) -> Reply:
    return calls_raw("write_todos", {"merge": merge, "todos": [*todos]})


def todo(id: object, content: str = "step", status: str = "pending") -> dict[str, Any]:
    return {"id": id, "content": content, "status": status}


def results(state: State) -> list[ToolResult]:
    return [result for message in state.messages for result in message.tool_results]


async def written(*replies: Reply, state: State | None = None, agent: Agent = PLANNER) -> tuple[State, list[str]]:
    """What the state is after these calls, and what the model read."""
    outcome = await talk(agent, ScriptedModel(*replies, says("Done.")), state=state)
    return outcome.state, [result.text for result in results(outcome.state)]


@pytest.mark.asyncio
async def test_a_list_is_written_and_told_by_its_counts() -> None:
    """B-30, B-32."""
    state, texts = await written(writes(todo(1, status="in_progress"), todo(2), todo(3)))
    assert [(one.id, one.status) for one in state.todos] == [(1, "in_progress"), (2, "pending"), (3, "pending")]
    assert texts == ["Successfully replaced 3 TODO(s): 1 in_progress, 2 pending"]


@pytest.mark.asyncio
async def test_merging_changes_and_adds_by_id_and_keeps_the_rest() -> None:
    """B-30, E-99."""
    state, texts = await written(
        writes(todo(1, "read"), todo(2, "write"), todo(3, "send")),
        writes(todo(2, "write it", "completed"), todo(4, "rest"), merge=True),
    )
    assert [one.content for one in state.todos] == ["read", "write it", "send", "rest"]
    assert texts[1] == "Successfully merged 4 TODO(s): 1 completed, 3 pending"


@pytest.mark.asyncio
async def test_replacing_forgets_what_is_not_named() -> None:
    """B-30."""
    state, texts = await written(writes(todo(1), todo(2)), writes(todo(3, "other")))
    assert [one.id for one in state.todos] == [3]
    assert texts[1] == "Successfully replaced 1 TODO(s): 1 pending"


@pytest.mark.asyncio
async def test_ids_of_two_digits_come_in_the_order_of_numbers() -> None:
    """E-99."""
    state, _ = await written(writes(todo(10), todo(9)), writes(todo(2), todo(11), todo(1), merge=True))
    assert [one.id for one in state.todos] == [1, 2, 9, 10, 11]


@pytest.mark.asyncio
async def test_what_models_get_nearly_right_is_understood() -> None:
    """B-30: text as ids, no ids, a status that nobody knows."""
    state, _ = await written(
        writes(todo("7", "a"), {"content": "b", "status": "pending"}, {"content": "c", "status": "doing"})
    )
    assert [(one.id, one.content, one.status) for one in state.todos] == [
        (2, "b", "pending"),
        (3, "c", "pending"),
        (7, "a", "pending"),
    ]


@pytest.mark.parametrize("merge", ["true", "false"])
@pytest.mark.asyncio
async def test_a_boolean_may_come_as_text(merge: str) -> None:
    """B-30."""
    state, _ = await written(writes(todo(1)), writes(todo(2), merge=merge))
    assert [one.id for one in state.todos] == ([1, 2] if merge == "true" else [2])


@pytest.mark.parametrize("last", [["completed", "completed"], ["completed", "cancelled"], ["cancelled", "cancelled"]])
@pytest.mark.asyncio
async def test_a_list_of_which_all_is_resolved_is_cleared(last: list[str]) -> None:
    """B-31, B-32, E-99."""
    state, texts = await written(writes(todo(1), todo(2)), writes(todo(1, "a", last[0]), todo(2, "b", last[1])))
    assert state.todos == ()
    assert texts[1] == "TODO list cleared - all tasks resolved"


@pytest.mark.asyncio
async def test_a_merge_that_resolves_the_rest_clears_too() -> None:
    """B-31."""
    state, texts = await written(
        writes(todo(1, "a", "completed"), todo(2)), writes(todo(2, "b", "cancelled"), merge=True)
    )
    assert (state.todos, texts[1]) == ((), "TODO list cleared - all tasks resolved")


@pytest.mark.parametrize(
    ("todos", "why"),
    [
        ("buy milk", "todos must be an array"),
        ([{"id": 1, "content": ""}], "content"),
        (["milk"], "a mapping is needed"),
    ],
)
@pytest.mark.asyncio
async def test_what_is_no_list_is_an_error_that_the_model_can_mend(todos: Any, why: str) -> None:
    """B-32."""
    outcome = await talk(
        PLANNER, ScriptedModel(calls_raw("write_todos", {"merge": False, "todos": todos}), says("Oh."))
    )
    (result,) = results(outcome.state)
    assert result.is_error
    assert result.text.startswith("Failed to parse TODOs: ")
    assert why in result.text


@pytest.mark.asyncio
async def test_both_arguments_are_needed() -> None:
    """B-30."""
    outcome = await talk(PLANNER, ScriptedModel(calls_raw("write_todos", {"todos": []}), says("Oh.")))
    assert "merge" in results(outcome.state)[0].text


@pytest.mark.asyncio
async def test_people_see_the_list_after_each_write() -> None:
    """B-33."""
    time = StillTime()
    script = ScriptedModel(writes(todo(1), todo(2)), writes(todo(1, "a", "completed"), merge=True), says("Done."))
    await talk(PLANNER, script, time=time)
    assert time.happened("todos_updated") == [
        {"todos": [todo(1), todo(2)]},
        {"todos": [todo(1, "a", "completed"), todo(2)]},
    ]
    assert time.happened("display_message_saved") == []


@pytest.mark.asyncio
async def test_an_agent_that_wakes_tells_its_list() -> None:
    """B-33."""
    time = StillTime()
    agent = Agent(model=ScriptedModel(says("Hello")), middleware=[TodoList()], default_middleware=False)
    state = State(todos=(Todo(id=1, content="tidy", status=TodoStatus.IN_PROGRESS),))
    request = StepRequest(agent=AgentRef(), reference=Reference(), run=RunSpec(id="r"), boot=True)
    await take_step(agent, state, request, time.surroundings())
    assert time.happened("todos_updated") == [{"todos": [{"id": 1, "content": "tidy", "status": "in_progress"}]}]


@pytest.mark.asyncio
async def test_inline_shows_each_list_as_it_was_before_it_cleared_itself() -> None:
    """B-33, E-99."""
    time = StillTime()
    agent = Agent(model="test:any", middleware=[TodoList(inline=True)], default_middleware=False)
    script = ScriptedModel(writes(todo(1, "a", "completed"), todo(2, "b", "cancelled")), says("Done."))
    outcome = await talk(agent, script, time=time)
    assert outcome.state.todos == ()
    (told,) = time.happened("display_message_saved")
    assert told["row"] == {
        "message_type": "system",
        "content_type": "todo_snapshot",
        "content": {
            "todos": [todo(1, "a", "completed"), todo(2, "b", "cancelled")],
            "summary": {"total": 2, "pending": 0, "in_progress": 0, "completed": 1, "cancelled": 1},
        },
        "tool_call_id": results(outcome.state)[0].tool_call_id,
    }


@pytest.mark.asyncio
async def test_inline_is_silent_where_nobody_listens() -> None:
    """B-33."""
    agent = Agent(model="test:any", middleware=[TodoList(inline=True)], default_middleware=False)
    state, _ = await written(writes(todo(1)), agent=agent)
    assert len(state.todos) == 1


@pytest.mark.asyncio
async def test_several_calls_of_one_reply_see_each_other() -> None:
    """B-30: they run within the step, one after the other."""
    state, _ = await written(writes(todo(1)) & writes(todo(2), merge=True))
    assert [one.id for one in state.todos] == [1, 2]


def test_a_write_costs_history_the_list_alone() -> None:
    before = State(todos=(Todo(id=1, content="a"),))
    assert difference(before, before.set_todos([Todo(id=2, content="b")])) == (
        SetTodos(todos=(Todo(id=2, content="b"),)),
    )


def test_people_read_what_the_application_says() -> None:
    """B-30."""
    (usual,) = TodoList().tools(HookContext())
    (other,) = TodoList(display_text="Making notes").tools(HookContext())
    assert (usual.display_text, other.display_text) == ("Updating task list", "Making notes")
    assert TodoList(inline=True).debug_summary() == {"display_text": "Updating task list", "inline": True}


@pytest.mark.parametrize("options", [{"inline": "yes"}, {"display_text": None}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidAgent, match="TodoList takes"):
        TodoList(**options)


@pytest.mark.asyncio
async def test_the_model_is_told_how_to_plan() -> None:
    """B-30."""
    model = ScriptedModel(says("Hi"))
    await talk(PLANNER, model, "Hello")
    assert "## write_todos" in model.requests[0].system_prompt
    assert [tool.name for tool in model.requests[0].tools] == ["write_todos"]


def test_a_gate_may_name_its_tool_and_no_other() -> None:
    """B-80: what the tools of the stack are called is known."""
    assert Agent(model="test:any", middleware=[TodoList], interrupt_on={"write_todos": True}).stack
    with pytest.raises(InvalidAgent, match="names write_todo; the agent's tools are write_todos"):
        Agent(model="test:any", middleware=[TodoList], default_middleware=False, interrupt_on={"write_todo": True})


def test_a_subclass_with_other_tools_may_have_any() -> None:
    """B-80."""

    class More(TodoList):
        def tools(self, context: HookContext, /) -> Any:
            return super().tools(context)

    assert Agent(model="test:any", middleware=[More], default_middleware=False, interrupt_on={"anything": True}).stack
