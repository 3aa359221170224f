"""The Agent: configuration made by code. What is wrong in it is said when it is made."""

import copy
import json
import pickle
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from sagents import Agent, HookContext, InvalidAgent, Middleware, State, TodoList, Tool, ask, deny, tool
from sagents.policy import Allow, Ask, Deny, Policy

CONTEXT = HookContext(agent_id="a")


@tool
def search(words: str) -> str:
    """Search the web."""
    return words


@tool(approval=ask())
def refund(order: str) -> str:
    """Refund an order."""
    return order


class Todos(Middleware):
    id = "todos"

    def __init__(self, prompt: str = "Keep a list.") -> None:
        self.prompt = prompt

    def system_prompt(self, context: HookContext, /) -> str | Sequence[str]:
        return self.prompt

    def tools(self, context: HookContext, /) -> Sequence[Tool[..., Any]]:
        return [search] if context.agent_name == "second" else []


class Files(Middleware):
    def system_prompt(self, context: HookContext, /) -> list[str]:
        return ["Read before you write.", " ", f"You are {context.agent_id}."]


def refused(**options: Any) -> str:
    with pytest.raises(InvalidAgent) as error:
        Agent(**{"model": "test:any", **options})
    return str(error.value)


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_agent_needs_no_more_than_a_model() -> None:
    """B-1, L-6: what it knows is data, and not part of it."""
    agent = Agent(model="test:any")
    assert (agent.name, agent.agent_id, agent.system_prompt, agent.max_runs) == (None, None, "", 50)
    assert (agent.tools, agent.middleware, agent.fallback_models) == ((), (), ())
    assert not hasattr(agent, "state")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"model": ""}, "needs a model"),
        ({"model": None}, "needs a model"),
        ({"model": 3}, "needs a model"),
        ({"fallback_models": ["test:any", None]}, "fallback_models"),
        ({"fallback_models": "test:any"}, "takes a list"),
        ({"before_fallback": "next"}, "before_fallback is a function"),
        ({"max_runs": 0}, "at least 1"),
        ({"max_runs": None}, "at least 1"),
        ({"max_runs": True}, "at least 1"),
        ({"name": 7}, "name is text"),
        ({"agent_id": b"a"}, "agent_id is text"),
        ({"system_prompt": ["Be brief."]}, "system_prompt is text"),
        ({"tools": search}, "takes a list"),
        ({"tools": [len]}, "put `@tool` on a function"),
        ({"tools": [search, refund, search]}, "Two tools are named 'search'"),
        ({"middleware": Todos()}, "takes a list"),
        ({"middleware": ["todos"]}, "objects of Middleware classes"),
        ({"interrupt_on": ["refund"]}, "is a dict"),
    ],
)
def test_wrong_option_is_refused_when_the_agent_is_made(options: dict[str, Any], told: str) -> None:
    """B-1, L-6."""
    assert told in refused(**options)


def test_forgotten_model_and_unknown_options_are_errors_of_the_call() -> None:
    """B-1: the type checker sees them too."""
    with pytest.raises(TypeError, match="model"):
        Agent()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="modle"):
        Agent(model="test:any", modle="test:other")  # type: ignore[call-arg]


def test_agent_cannot_be_changed_only_made_anew() -> None:
    agent = Agent(model="test:any", tools=[search])
    with pytest.raises(FrozenInstanceError):
        agent.model = "test:other"  # type: ignore[misc]
    other = replace(agent, model="test:other")
    assert (agent.model, other.model, other.tools) == ("test:any", "test:other", (search,))


# ── middleware ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def defaults(monkeypatch: pytest.MonkeyPatch) -> tuple[Middleware, Middleware]:
    stack = (Todos(), Files())
    monkeypatch.setattr("sagents.agent.default_stack", lambda: stack)
    return stack


def test_the_default_stack_is_the_references_in_its_order() -> None:
    """B-2."""
    expected = ["todo_list", "file_system", "sub_agent", "summarization", "patch_tool_calls"]
    assert [middleware.id for middleware in Agent(model="test:any").stack] == expected
    own = TodoList(inline=True)
    assert Agent(model="test:any", middleware=[own]).stack[0] is own
    assert Agent(model="test:any").stack == Agent(model="test:other").stack


@pytest.mark.asyncio
async def test_a_default_gives_way_to_tools_of_the_same_name() -> None:
    """B-2, L-6: what nobody has asked for takes no name from what somebody has."""

    @tool(name="write_todos")
    def plan(text: str) -> str:
        """Plan in a way of its own."""
        return text

    class Planner(Middleware):
        def tools(self, context: HookContext, /) -> Sequence[Tool[..., Any]]:
            return [plan]

    for agent in (Agent(model="test:any", tools=[plan]), Agent(model="test:any", middleware=[Planner])):
        assert await agent.tool_named("write_todos", CONTEXT) is plan
        assert len({one.name for one in await agent.all_tools(CONTEXT)}) == len(await agent.all_tools(CONTEXT))
    with pytest.raises(InvalidAgent, match="Two tools are named 'write_todos'"):
        await Agent(model="test:any", tools=[plan], middleware=[TodoList]).all_tools(CONTEXT)


def test_own_middleware_follows_the_defaults(defaults: tuple[Middleware, ...]) -> None:
    """B-2."""

    class Own(Middleware):
        pass

    own = Own()
    assert Agent(model="test:any", middleware=[own]).stack == (*defaults, own)
    assert Agent(model="test:any", middleware=[own], default_middleware=False).stack == (own,)


def test_own_middleware_replaces_the_default_of_its_id_in_its_place(defaults: tuple[Middleware, ...]) -> None:
    """L-6: nobody gets two lists of todos by asking for one."""
    own = Todos("Keep no list.")
    assert Agent(model="test:any", middleware=[own]).stack == (own, defaults[1])


def test_two_middleware_of_one_id_are_refused() -> None:
    """L-6, B-4."""
    assert "Two middleware have the id 'todos'" in refused(middleware=[Todos(), Todos()])


def test_several_instances_live_side_by_side_under_ids_of_their_own() -> None:
    """B-4."""
    left, right = Todos("left"), Todos("right")
    right.id = "more todos"
    assert Agent(model="test:any", middleware=[left, right]).stack[-2:] == (left, right)


def test_middleware_may_be_given_as_its_class() -> None:
    """L-6."""
    agent = Agent(model="test:any", middleware=[Todos], default_middleware=False)
    assert [type(middleware) for middleware in agent.stack] == [Todos]
    assert replace(agent, name="other").stack == agent.stack


def test_middleware_that_cannot_be_made_says_why() -> None:
    """B-4."""

    class Broken(Middleware):
        def __init__(self) -> None:
            raise KeyError("API_KEY")

    assert "Broken: initialization failed: 'API_KEY'" in refused(middleware=[Broken])


def test_middleware_is_an_object_that_another_agent_may_share() -> None:
    """B-5: there is no raw form to go back to."""
    todos = Todos()
    assert Agent(model="test:any", middleware=[todos]).stack == Agent(model="test:other", middleware=[todos]).stack


@pytest.mark.asyncio
async def test_prompt_is_assembled_with_blank_lines_and_without_the_empty_ones() -> None:
    """B-1."""
    agent = Agent(
        model="test:any", system_prompt="Be brief.", middleware=[Todos(""), Files()], default_middleware=False
    )
    assert await agent.system_prompt_for(CONTEXT) == "Be brief.\n\nRead before you write.\n\nYou are a."
    assert await Agent(model="test:any", default_middleware=False).system_prompt_for(CONTEXT) == ""


@pytest.mark.asyncio
async def test_tools_are_the_agents_own_and_its_middlewares() -> None:
    """B-1."""
    agent = Agent(model="test:any", tools=[refund], middleware=[Todos()], default_middleware=False)
    second = HookContext(agent_name="second")
    assert await agent.all_tools(CONTEXT) == (refund,)
    assert await agent.all_tools(second) == (refund, search)
    assert await agent.tool_named("search", second) is search
    assert await agent.tool_named("search", CONTEXT) is None


@pytest.mark.asyncio
async def test_middlewares_tool_may_not_take_a_name_that_is_taken() -> None:
    agent = Agent(model="test:any", tools=[search], middleware=[Todos()])
    with pytest.raises(InvalidAgent, match="Two tools are named 'search'"):
        await agent.all_tools(HookContext(agent_name="second"))


# ── approvals ────────────────────────────────────────────────────────────────────────────────────────────────────


async def verdict(policy: Policy) -> Any:
    return await policy.evaluate(refund, {"order": "7"}, CONTEXT)


@pytest.mark.asyncio
@pytest.mark.parametrize("nothing", [None, {}])
async def test_without_interrupt_on_the_tools_word_counts(nothing: Any) -> None:
    """B-3."""
    agent = Agent(model="test:any", tools=[search, refund], interrupt_on=nothing)
    asked = await verdict(agent.policy_for(refund))
    assert isinstance(asked, Ask)
    assert (asked.approval.summary, asked.approval.allowed_decisions) == ("Refund", ("approve", "edit", "reject"))
    assert await verdict(agent.policy_for(search)) == Allow()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("entry", "decisions"),
    [
        (True, ("approve", "edit", "reject")),
        (["approve", "reject"], ("approve", "reject")),
        ({"allowed_decisions": ["respond"]}, ("respond",)),
        ({}, ("approve", "edit", "reject")),
        (False, None),
        ([], None),
    ],
)
async def test_agents_word_about_a_tool_comes_before_the_tools_own(entry: Any, decisions: Any) -> None:
    """B-80."""
    agent = Agent(model="test:any", tools=[search, refund], interrupt_on={"search": entry, "refund": entry})
    for gated in (search, refund):
        found = await verdict(agent.policy_for(gated))
        assert (found.approval.allowed_decisions if isinstance(found, Ask) else None) == decisions


@pytest.mark.asyncio
async def test_denied_tool_tells_the_reason() -> None:
    assert await verdict(deny("Not on Sundays.")) == Deny("Not on Sundays.")


@pytest.mark.parametrize(
    ("entry", "told"), [("approve", "True, False or a list"), (["aprove"], "'aprove'; decisions are"), (3, "not 3")]
)
def test_wrong_entry_of_interrupt_on_is_refused(entry: Any, told: str) -> None:
    assert told in refused(tools=[refund], interrupt_on={"refund": entry})


@pytest.mark.asyncio
async def test_misspelt_tool_in_interrupt_on_is_refused_as_far_as_tools_are_known() -> None:
    """B-80: the tool that was meant would run without being asked for."""
    assert "names refnud; the agent's tools are refund" in refused(tools=[refund], interrupt_on={"refnud": True})
    open_ended = Agent(model="test:any", middleware=[Todos()], interrupt_on={"search": True})
    assert isinstance(await verdict(open_ended.policy_for(search)), Ask)


# ── configuration is not data ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("store", [pickle.dumps, json.dumps, copy.deepcopy])
def test_agent_is_never_stored(store: Any) -> None:
    """L-14: it comes from code, each time."""
    with pytest.raises(TypeError, match="Agent"):
        store(Agent(model="test:any"))


def test_what_prints_an_agent_prints_no_secrets() -> None:
    """L-14."""

    class Keyed:
        name = "vendor:model"
        key = "sk-secret"

        async def ask(self, request: Any, on_delta: Any) -> Any: ...

    assert repr(Agent(model=Keyed(), name="helper", system_prompt="hush")) == "<Agent helper on vendor:model>"


def test_exported_state_holds_nothing_of_the_agent() -> None:
    """L-14: middleware, tools and keys are not in what is saved."""
    saved = State(agent_id="a").put_metadata("language", "de").model_dump(mode="json")
    assert saved == {"metadata": {"language": "de"}}
