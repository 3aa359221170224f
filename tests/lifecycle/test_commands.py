"""What changes a living agent beside messages: reset, restore, dismiss, notify, configure."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sagents import Agent, Sagents, tool
from sagents.hooks import Middleware
from sagents.messages import Message
from sagents.policy import ask
from sagents.replies import RaiseInterrupt
from sagents.serialization import export_state
from sagents.state import State
from tests.support.driving import Driven, started, until
from tests.support.models import Thinks, uses
from tests.support.skipping import Slowly, app_of

pytestmark = pytest.mark.asyncio


@tool(approval=ask())
def delete_file(path: str) -> str:
    """Delete a file."""
    return f"deleted {path}"


@tool
def halts() -> str:
    """Stop here."""
    raise RaiseInterrupt("stopped by a rule", reason="halt")


async def texts(agent: Driven) -> list[str]:
    return [message.text for message in await agent.messages()]


async def is_empty(agent: Driven) -> bool:
    return not await agent.messages() and await agent.status() == "idle"


async def test_reset_forgets_what_was_said_and_the_agent_goes_on(agent_env: Any) -> None:
    """B-67, E-8."""
    async with agent_env(app_of()) as env:
        agent = await started(env, "helper")
        await agent.say("hello")
        await agent.update("reset")
        await until(lambda: is_empty(agent))
        assert await agent.say("again") == "heard again"
        assert await texts(agent) == ["again", "heard again"]


async def test_reset_while_running_cancels_first_and_stays_reset(agent_env: Any) -> None:
    """B-67: the end of the run does not bring back what was forgotten."""
    slowly = Slowly()
    async with agent_env(app_of(slowly.model)) as env:
        agent = await started(env, "helper")
        await agent.send("hello")
        await slowly.is_asked()
        await agent.update("reset")
        await until(lambda: is_empty(agent))


async def test_reset_of_an_interrupted_agent_closes_its_question(agent_env: Any) -> None:
    """B-67."""
    async with agent_env(app_of(uses("delete_file", path="a"), tools=[delete_file])) as env:
        agent = await started(env, "helper")
        await agent.send("Delete a")
        await agent.reaches("interrupted")
        await agent.update("reset")
        await until(lambda: is_empty(agent))
        assert await agent.interrupts() == []


async def restored(env: Any, agent: Driven, body: str) -> None:
    await env.store.deposit(agent.agent_id, "import:1", body)
    await agent.update("restore_state", {"key": "import:1"})


async def test_an_export_takes_the_place_of_the_state(agent_env: Any) -> None:
    """B-66, E-39."""
    said = State().add_message(Message.user("before")).add_message(Message.assistant("heard before"))
    async with agent_env(app_of()) as env:
        agent = await started(env, "helper")
        await agent.say("hello")
        await restored(env, agent, json.dumps(export_state(said, serialized_at=datetime.now(UTC))))

        async def is_there() -> bool:
            return await texts(agent) == ["before", "heard before"]

        await until(is_there)
        assert await agent.status() == "idle"
        await until(lambda: has(env, agent, "state_restored"))
        assert await agent.say("and now") == "heard and now"


async def has(env: Any, agent: Driven, type: str) -> bool:
    return any(event.type == type for event in await env.store.events(agent.agent_id))


async def test_an_export_that_cannot_be_read_changes_nothing(agent_env: Any) -> None:
    """B-66, E-40."""
    async with agent_env(app_of()) as env:
        agent = await started(env, "helper")
        await agent.say("hello")
        await restored(env, agent, "no json")

        async def complains() -> bool:
            return "cannot be read" in ((await agent.info()).problem or "")

        await until(complains)
        assert await texts(agent) == ["hello", "heard hello"]


async def test_a_halt_is_dismissed_without_an_answer(agent_env: Any) -> None:
    """B-63."""
    async with agent_env(app_of(uses("halts"), tools=[halts])) as env:
        agent = await started(env, "helper")
        await agent.send("Go")
        await agent.reaches("interrupted")
        await agent.update("dismiss_interrupt")
        await agent.reaches("idle")
        assert await agent.interrupts() == []


async def test_a_question_cannot_be_dismissed(agent_env: Any) -> None:
    """B-63, E-51."""
    async with agent_env(app_of(uses("delete_file", path="a"), tools=[delete_file])) as env:
        agent = await started(env, "helper")
        await agent.send("Delete a")
        await agent.reaches("interrupted")
        assert (await agent.refused("dismiss_interrupt")).type == "CannotDismiss"
        assert await agent.status() == "interrupted"


class Notes(Middleware):
    """Writes down what it is told."""

    id = "notes"

    def handle_message(self, message: Any, state: Any, context: Any, /) -> Any:
        if message == "fail":
            raise RuntimeError("cannot write")
        return state.add_message(Message.user(f"note: {message}"))


async def test_a_middleware_is_notified_by_its_id_and_changes_the_state(agent_env: Any) -> None:
    """B-27, E-43: an unknown id and a failing handler change nothing."""
    async with agent_env(app_of(middleware=[Notes()])) as env:
        agent = await started(env, "helper")
        for middleware, message, told in (("nobody", "x", "No middleware"), ("notes", "fail", "cannot write")):
            await agent.handle.signal("notify_middleware", {"middleware": middleware, "message": message})

            async def complains(told: str = told) -> bool:
                return told in ((await agent.info()).problem or "")

            await until(complains)
        assert await agent.messages() == []
        await agent.handle.signal("notify_middleware", {"middleware": "notes", "message": "milk"})
        await until(lambda: has(env, agent, "agent_state_update"))

        async def noted() -> bool:
            return await texts(agent) == ["note: milk"]

        await until(noted)


async def test_a_living_agent_takes_other_options_and_another_lifecycle(agent_env: Any) -> None:
    """L-18, L-29: by `configure`; what does not fit is refused."""
    app = Sagents()

    @app.agent("helper")
    def helper(request: Any) -> Agent:
        return Agent(model=Thinks(lambda *_: Message.assistant(str(request.options.get("mood")))))

    async with agent_env(app) as env:
        agent = await started(env, "helper")
        await agent.update("configure", {"options": {"mood": "fine"}, "lifecycle": {"inactivity_timeout_ms": 77_000}})
        assert await agent.say("How are you?") == "fine"
        assert (await agent.ask("inactivity"))["inactivity_timeout_ms"] == 77_000
        refusal = await agent.refused("configure", {"lifecycle": {"inactivity_timeout": 5}})
        assert "inactivity_timeout_ms" in refusal.message
