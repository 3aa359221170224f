"""What waits to be heard goes with an export and comes back with it."""

from collections.abc import Mapping
from typing import Any

import pytest

from sagents import Agent, AutoSave, InvalidState, Lifecycle, Middleware, RaiseInterrupt, Respond, Sagents, Status, tool
from sagents.messages import Message
from tests.client.apps import app_of
from tests.client.patience import reaches, settled
from tests.support.driving import spoken, until
from tests.support.models import Thinks, uses
from tests.support.skipping import Slowly

pytestmark = pytest.mark.asyncio
SAVES = Lifecycle(auto_save=AutoSave(saver="crm"))
RESPONDS = Respond(content="blue")


async def says(server: Any, agent_id: str, *texts: str) -> None:
    async def said() -> bool:
        return spoken(await server.messages(agent_id)) == list(texts)

    await until(said)


async def test_an_export_holds_what_is_queued_and_a_restore_lets_the_agent_hear_it(serve: Any) -> None:
    """B-77, E-65, B-75: several messages as the one that they will be; an agent at rest hears it at once."""
    slowly = Slowly()
    async with serve(app_of(slowly.model)) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "one")
        await slowly.is_asked()
        await server.add_message(env.id(), "two")
        await server.add_message(env.id(), "three")
        exported = await server.export_state(env.id())
        assert [part["content"] for part in exported["pending_message"]["content"]] == ["two", "three"]
        slowly.go(3)
        await settled(server, env.id())
        assert "pending_message" not in await server.export_state(env.id())
        await server.start("helper", agent_id=env.id("clone"), exported=exported)
        await says(server, env.id("clone"), "one", "two", "three", "heard twothree")
        await server.restore_state(env.id(), exported)
        slowly.go()
        await says(server, env.id(), "one", "two", "three", "heard twothree")


async def test_an_agent_that_sleeps_over_a_message_exports_it_too(serve: Any) -> None:
    """B-77, E-65, L-42: it waited when somebody stopped the agent."""
    slowly = Slowly()
    async with serve(app_of(slowly.model)) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "one")
        await slowly.is_asked()
        await server.add_message(env.id(), "two")
        await env.client.get_workflow_handle(env.id()).signal("stop")
        slowly.go()
        await reaches(server, env.id(), Status.NOT_RUNNING)
        assert (await server.export_state(env.id()))["pending_message"]["content"] == "two"


async def test_an_application_s_saver_gets_what_is_queued(serve: Any) -> None:
    """B-77, E-65, L-52."""
    slowly, copies = Slowly(), []
    app = app_of(slowly.model)
    app.saver("crm")(lambda agent_id, state, context: copies.append(state))
    async with serve(app) as (server, env):
        await server.start("helper", agent_id=env.id(), lifecycle=SAVES)
        await server.add_message(env.id(), "one")
        await slowly.is_asked()
        await server.add_message(env.id(), "two")
        slowly.go(2)
        await settled(server, env.id())
        waiting = [copy.get("pending_message", {}).get("content") for copy in copies]
        assert waiting == ["two", None]


class Questions(Middleware):
    """Its questions outlive a restart."""

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool:
        return True


@tool
def wonder() -> str:
    """Ask a person."""
    raise RaiseInterrupt(message="Which colour?")


async def test_a_question_that_is_open_again_holds_what_was_queued_behind_it(serve: Any) -> None:
    """B-66, B-75, B-77, E-61: restored, both are there; once it is answered the message is heard."""

    async def think(request: Any, _: Any) -> Message:
        if slowly.asked == 0:
            await slowly.model.ask(request, _)
            return await uses("wonder").ask(request, _)
        return Message.assistant("heard " + [m.text for m in request.messages if m.role == "user"][-1])

    slowly, app = Slowly(), Sagents()
    app.agent("helper", Agent(model=Thinks(think), tools=[wonder], middleware=[Questions()]))
    async with serve(app) as (server, env):
        await server.start("helper", agent_id=env.id())
        await server.add_message(env.id(), "one")
        await slowly.is_asked()
        await server.add_message(env.id(), "two")
        slowly.go()
        await reaches(server, env.id(), Status.INTERRUPTED)
        exported = await server.export_state(env.id())
        assert exported["pending_message"]["content"] == "two"
        await server.start("helper", agent_id=env.id("clone"), exported=exported)
        await reaches(server, env.id("clone"), Status.INTERRUPTED)
        (question,) = await server.interrupts(env.id("clone"))
        assert question.message == "Which colour?"
        assert (await server.agent_info(env.id("clone"))).queued == 1
        await server.resume(env.id("clone"), RESPONDS)
        await until(lambda: is_heard(server, env.id("clone")))


async def is_heard(server: Any, agent_id: str) -> bool:
    messages = await server.messages(agent_id)
    return messages[-1].text == "heard two" and [m.text for m in messages].count("two") == 1


async def test_a_message_that_nobody_can_read_refuses_the_export(serve: Any) -> None:
    """B-66, B-77."""
    async with serve(app_of()) as (server, env):
        await server.start("helper", agent_id=env.id(), messages=["one"])
        exported = await server.export_state(env.id())
        with pytest.raises(InvalidState):
            await server.restore_state(env.id(), {**exported, "pending_message": {"role": "nobody"}})
