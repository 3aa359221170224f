"""Transcripts as doors write and read them (B-105, B-110, B-118)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from sagents import AgentNotFound, ContentPart, InvalidInput, Message, PartType, Status
from sagents.client import AgentServer
from sagents.display import ContentType, DisplayMessage, MessageType
from sagents.errors import MessageRefused, PreprocessorFailed
from sagents.events import Event
from sagents.ports import News
from sagents.preprocessing import Halves, PreprocessContext
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.testing import AgentEnv
from tests.client.apps import Gate, app_of
from tests.client.waiting import out_of_reach
from tests.support.driving import until

pytestmark = pytest.mark.asyncio


async def texts(server: AgentServer, agent_id: str, **asked: Any) -> list[str]:
    return [row.text for row in await server.rows(agent_id, **asked)]


async def answered(server: AgentServer, agent_id: str, *said: str) -> None:
    """Send messages one after the other, each once the one before is answered."""
    for text in said:
        before = len(await server.rows(agent_id))

        async def has_both(before: int = before) -> bool:
            is_idle = await server.get_status(agent_id) is Status.IDLE  # rows are there before the agent has moved on
            return is_idle and len(await server.rows(agent_id)) >= before + 2

        await server.add_message(agent_id, text)
        await until(has_both)


def said(number: int, text: str) -> News:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    row = DisplayMessage(id=f"m{number}.0", message_type=MessageType.USER, content={"text": text}, at=at)
    return News(slot=f"row:{row.id}", event=Event(agent_id="a", type="display_message_saved", at=at), row=row)


async def filled(count: int) -> AgentServer:
    """A door to a transcript of so many rows; Temporal is away."""
    store = MemoryStore()
    await store.take_over("a", "run", 0)
    await store.append("a", [said(number, f"Row {number}") for number in range(1, count + 1)], "run")
    return await out_of_reach(store)


async def test_a_page_is_the_newest_rows_or_those_beside_a_row() -> None:
    server = await filled(9)
    assert await texts(server, "a", limit=3) == ["Row 7", "Row 8", "Row 9"]
    assert await texts(server, "a", before=7, limit=3) == ["Row 4", "Row 5", "Row 6"]
    assert await texts(server, "a", after=2, limit=3) == ["Row 3", "Row 4", "Row 5"]
    assert await texts(server, "a", after=9) == []


async def test_a_search_finds_rows_in_whatever_case_and_pages_on() -> None:
    """B-118."""
    server = await filled(450)
    assert await texts(server, "a", text="ROW 44", limit=3) == ["Row 447", "Row 448", "Row 449"]
    assert await texts(server, "a", text="row 44", before=440) == ["Row 44"]
    assert await texts(server, "a", text="row 30", after=30, limit=2) == ["Row 300", "Row 301"]
    assert await texts(server, "a", text="nothing") == []


@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 1_001}, {"after": 1, "before": 3}], ids=str)
async def test_a_page_that_cannot_be_meant_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await (await filled(1)).rows("a", **asked)


async def test_a_message_that_waits_for_a_runs_end_is_shown_at_once(serve: Any) -> None:
    """The step that hears of it later repeats nothing, nor does who sends it again."""
    gate = Gate()
    async with serve(gate.app) as (server, env):
        agent_id = env.id()
        await server.start("helper", agent_id=agent_id)
        await server.add_message(agent_id, "one")

        async def is_calling() -> bool:
            return any(row.status == "executing" for row in await server.rows(agent_id))

        await until(is_calling)
        for _ in range(2):
            await server.add_message(agent_id, "two", id="m2")
            assert (await texts(server, agent_id))[-1] == "two"
        gate.open()

        async def has_answered_twice() -> bool:
            return len(await texts(server, agent_id, text="done")) == 2

        await until(has_answered_twice)
        assert (await texts(server, agent_id)).count("two") == 1


async def test_rows_of_a_sleeping_agent_are_there_and_an_unknown_one_is_not_found(serve: Any) -> None:
    async with serve(app_of()) as (server, env):
        agent_id = env.id()
        with pytest.raises(AgentNotFound):
            await server.rows(agent_id)
        await server.start("helper", agent_id=agent_id)
        assert await server.rows(agent_id) == ()
        await answered(server, agent_id, "one")
        await server.stop(agent_id)
        assert await texts(server, agent_id) == ["one", "heard one"]


async def test_how_a_message_is_shown_is_its_senders_to_say(serve: Any) -> None:
    """E-64, B-64: other words, none at all, or parts; the agent reads what was meant for it."""
    async with serve(app_of()) as (server, env):
        agent_id = env.id()
        await server.start("helper", agent_id=agent_id)
        await answered(server, agent_id, "hello")
        await server.add_message(agent_id, "Summarise /a/b/c.pdf", display="Summarise this file")
        picture = ContentPart(type=PartType.IMAGE_URL, content="https://pictures.example/1.png")
        await server.add_message(agent_id, "Describe it", display=[ContentPart(content="Look:"), picture])
        await server.add_message(agent_id, "secret", display="")

        async def all_heard() -> bool:
            heard = [message.text for message in await server.messages(agent_id) if message.role == "user"]
            return "secret" in "".join(heard) and await server.get_status(agent_id) == "idle"

        await until(all_heard)
        rows = [row for row in await server.rows(agent_id) if row.message_type is MessageType.USER]
        assert [row.text for row in rows] == ["hello", "Summarise this file", "Look:", ""]
        assert (rows[3].content_type, rows[3].content["content"]) == (ContentType.IMAGE, picture.content)


class Mentions:
    """Expands @names, refuses what shouts, and fails over one word."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, str, PreprocessContext, int]] = []

    async def preprocess(self, scope: Mapping[str, Any], message: Message, context: PreprocessContext, /) -> Halves:
        self.seen.append((scope, message.text, context, len((await context.state()).messages)))
        if message.text.isupper():
            raise MessageRefused("Please do not shout.")
        if message.text == "fail":
            raise ValueError("no such name")
        return Halves(display=message.text, llm=message.text.replace("@anna", "Anna (anna@people.example)"))


async def test_a_preprocessor_splits_a_message_in_two(agent_env: Any) -> None:
    """B-110, E-67: what is shown, and what the model reads; it knows whose agent it is and what the agent knows."""
    mentions = Mentions()
    async with agent_env(app_of()) as env:
        server, agent_id = _door(env, mentions), env.id()
        options, scope = {"zone": "UTC"}, {"owner": "olga"}
        await server.start("helper", agent_id=agent_id, conversation_id="c1", scope=scope, options=options)
        await answered(server, agent_id, "ask @anna", "again")
        assert (await texts(server, agent_id))[:2] == ["ask @anna", "heard ask Anna (anna@people.example)"]
        assert [seen[0] for seen in mentions.seen] == [scope, scope]
        assert [seen[3] for seen in mentions.seen] == [0, 2]
        context = mentions.seen[0][2]
        assert (context.agent_id, context.conversation_id, context.options) == (agent_id, "c1", options)


async def test_what_a_preprocessor_refuses_or_fails_over_changes_nothing(agent_env: Any) -> None:
    """E-67."""
    async with agent_env(app_of()) as env:
        server, agent_id = _door(env, Mentions()), env.id()
        await server.start("helper", agent_id=agent_id)
        with pytest.raises(MessageRefused, match="do not shout"):
            await server.add_message(agent_id, "LOUD")
        with pytest.raises(PreprocessorFailed, match="ValueError: no such name"):
            await server.add_message(agent_id, "fail")
        assert await server.messages(agent_id) == ()
        assert await server.rows(agent_id) == ()


@pytest.mark.parametrize(("display", "llm"), [(None, "for the model alone"), ("Hello", None), (7, "Hello")])
async def test_a_half_that_is_missing_shows_nobody_what_the_model_reads(agent_env: Any, display: Any, llm: Any) -> None:
    """B-110, E-67: nothing is said, and who wrote the preprocessor is told why."""
    async with agent_env(app_of(), worker=False) as env:
        server, agent_id = _door(env, lambda *_: Halves(display=display, llm=llm)), env.id()
        await server.start("helper", agent_id=agent_id)
        with pytest.raises(PreprocessorFailed, match="a half is"):
            await server.add_message(agent_id, "Hello")


async def test_a_message_that_says_how_it_is_shown_is_not_preprocessed(agent_env: Any) -> None:
    """B-73."""
    mentions = Mentions()
    async with agent_env(app_of()) as env:
        server, agent_id = _door(env, mentions), env.id()
        await server.start("helper", agent_id=agent_id)
        await server.add_message(agent_id, "ask @anna", display="(asked)")
        assert mentions.seen == []

        async def is_shown() -> bool:
            return "(asked)" in await texts(server, agent_id)

        await until(is_shown)


def _door(env: AgentEnv, preprocessor: Any) -> AgentServer:
    queue = env.settings.task_queue
    return AgentServer(env.client, store=env.store, channel=env.channel, preprocessor=preprocessor, task_queue=queue)
