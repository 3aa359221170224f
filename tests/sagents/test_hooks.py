"""The middleware protocol: every hook is optional, async or sync, and what it answers is checked."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sagents import Agent, Approve, HookContext, Interrupt, Message, Middleware, Pause, State, Tool, tool
from sagents.awaiting import called
from sagents.callbacks import Callbacks
from sagents.demotion import interrupt_restorable
from sagents.hooks import HookAnswer, state_hook
from sagents.testing import ScriptedModel, calls, says

CONTEXT = HookContext(agent_id="a", scope={"language": "de"})
STATE = State(agent_id="a")


class Silent(Middleware):
    """Changes nothing."""


@tool
def look_up(word: str) -> str:
    """Look up a word."""
    return word


class Locale(Middleware):
    """Sync and async hooks side by side, as they come."""

    id = "locale"

    def __init__(self, default: str = "en") -> None:
        self.default = default
        self.heard: list[object] = []

    async def system_prompt(self, context: HookContext, /) -> str:
        return f"Answer in {context.scope.get('language', self.default)}."

    async def tools(self, context: HookContext, /) -> Sequence[Tool[..., Any]]:
        return [look_up]

    async def before_run(self, state: State, context: HookContext, /) -> State:
        return state.put_metadata("language", context.scope["language"])

    def before_model(self, state: State, context: HookContext, /) -> Pause:
        return Pause("no model today")

    def handle_message(self, message: Any, state: State, context: HookContext, /) -> State:
        return state.put_metadata("language", message)

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool:
        return bool(data["reason"] == "language")

    def observers(self) -> Callbacks:
        return {"on_error": self.heard.append}


STATE_HOOKS = ["before_run", "before_model", "after_model", "after_run", "on_start"]


@pytest.mark.asyncio
@pytest.mark.parametrize("name", STATE_HOOKS)
async def test_hook_that_nobody_wrote_changes_nothing(name: str) -> None:
    """B-25."""
    assert await state_hook(Silent(), name, STATE, CONTEXT) is None


@pytest.mark.asyncio
async def test_other_hooks_are_optional_too() -> None:
    """B-25."""
    silent = Silent()
    assert not await called(silent.system_prompt, CONTEXT)
    assert not await called(silent.tools, CONTEXT)
    assert await called(silent.transform_display_message, Message.user("hi")) == Message.user("hi")
    assert await state_hook(silent, "handle_message", {"x": 1}, STATE, CONTEXT) is None
    assert await state_hook(silent, "handle_resume", Interrupt(id="i"), Approve(), STATE, CONTEXT) is None
    assert (silent.observers(), silent.debug_summary()) == ({}, {})


@pytest.mark.asyncio
async def test_hook_may_be_async_or_sync() -> None:
    """B-25."""
    locale = Locale()
    prepared = await state_hook(locale, "before_run", STATE, CONTEXT)
    assert isinstance(prepared, State)
    assert prepared.get_metadata("language") == "de"
    assert await state_hook(locale, "before_model", STATE, CONTEXT) == Pause("no model today")


@pytest.mark.asyncio
async def test_middleware_handles_messages_of_its_own() -> None:
    """B-27."""
    told = await state_hook(Locale(), "handle_message", "fr", STATE, CONTEXT)
    assert isinstance(told, State)
    assert told.get_metadata("language") == "fr"


@pytest.mark.asyncio
async def test_answer_that_is_none_is_an_error_that_names_the_hook() -> None:
    class Sloppy(Middleware):
        def after_model(self, state: State, context: HookContext, /) -> HookAnswer:
            return dict(state.metadata)  # type: ignore[return-value]

    with pytest.raises(TypeError, match=r"Sloppy\.after_model returned dict; a hook returns a State, a Pause or None"):
        await state_hook(Sloppy(), "after_model", STATE, CONTEXT)


def test_id_is_the_name_of_the_class_unless_it_has_one() -> None:
    """B-4."""

    class Louder(Silent):
        pass

    class Named(Middleware):
        def __init__(self, id: str) -> None:
            self.id = id

    assert (Middleware().id, Silent().id, Louder().id) == ("Middleware", "Silent", "Louder")
    assert (Locale().id, Named("left").id, Named("right").id) == ("locale", "left", "right")


def test_interrupt_is_restorable_where_a_middleware_says_so() -> None:
    """B-25: one that cannot tell does not claim."""
    assert interrupt_restorable({"reason": "language"}, [Silent(), Locale()])
    assert not interrupt_restorable({"reason": "weather"}, [Silent(), Locale()])
    assert not interrupt_restorable({}, [Locale()])
    assert not interrupt_restorable("language", [Locale()])


def test_observers_are_a_map_of_what_they_listen_to() -> None:
    """B-26."""
    locale = Locale()
    locale.observers()["on_error"](None)  # type: ignore[arg-type]
    assert locale.heard == [None]
    assert {"on_llm_new_delta", "on_tool_execution_failed", "on_error"} <= Callbacks.__optional_keys__


class Tracing(Middleware):
    """Writes down when its hooks are called."""

    def __init__(self, id: str, trace: list[str]) -> None:
        self.id, self.trace = id, trace

    def before_run(self, state: State, context: HookContext, /) -> None:
        self.trace.append(f"before_run {self.id}")

    async def before_model(self, state: State, context: HookContext, /) -> None:
        self.trace.append(f"before_model {self.id}")

    def after_model(self, state: State, context: HookContext, /) -> None:
        self.trace.append(f"after_model {self.id}")

    async def after_run(self, state: State, context: HookContext, /) -> None:
        self.trace.append(f"after_run {self.id}")


@pytest.mark.asyncio
async def test_before_hooks_run_in_order_and_after_hooks_in_reverse_per_run_and_per_model_call() -> None:
    """E-74, B-6, B-25."""
    trace: list[str] = []
    model = ScriptedModel(calls(look_up, word="tea"), says("Tee."))
    agent = Agent(model=model, tools=[look_up], middleware=[Tracing("1", trace), Tracing("2", trace)])
    assert (await agent.execute("Tea?")).text == "Tee."
    around_model = ["before_model 1", "before_model 2", "after_model 2", "after_model 1"]
    assert trace == ["before_run 1", "before_run 2", *around_model, *around_model, "after_run 2", "after_run 1"]


@pytest.mark.asyncio
async def test_what_after_model_edits_is_what_the_conversation_keeps() -> None:
    """B-28."""

    class Polite(Middleware):
        def after_model(self, state: State, context: HookContext, /) -> State:
            said = state.messages[-1]
            return state.set_messages([*state.messages[:-1], said.but(content=f"{said.text} Please.")])

    outcome = await Agent(model=ScriptedModel(says("Sit down.")), middleware=[Polite()]).execute("Hello")
    assert [message.text for message in outcome.state.messages] == ["Hello", "Sit down. Please."]
    assert outcome.text == "Sit down. Please."


@pytest.mark.asyncio
async def test_agent_gathers_prompts_and_tools_from_hooks_of_either_kind() -> None:
    """B-1, B-25."""
    agent = Agent(
        model="test:any", system_prompt="Be brief.", middleware=[Silent(), Locale()], default_middleware=False
    )
    assert await agent.system_prompt_for(CONTEXT) == "Be brief.\n\nAnswer in de."
    assert await agent.all_tools(CONTEXT) == (look_up,)
