"""What `docs/transcript.md` shows works as it is written there."""

import re
from pathlib import Path
from typing import Any

import pytest

from sagents import Message, MessageRefused, PreprocessContext
from sagents.display import ContentType, DisplayMessage, MessageType
from sagents.plan import SaveReason
from sagents_activities.mirrors import LIFECYCLES

pytestmark = pytest.mark.asyncio

PAGE = (Path(__file__).resolve().parents[2] / "docs/transcript.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


async def test_the_preprocessor_of_the_page_expands_and_refuses() -> None:
    names: dict[str, Any] = {}
    exec(blocks()[1], names)
    context = PreprocessContext(agent_id="a")
    made = await names["mentions"]({}, Message.user("ask @anna"), context)
    assert (made.display, made.llm) == ("ask @anna", "ask Anna (anna@people.example)")
    with pytest.raises(MessageRefused):
        await names["mentions"]({}, Message.user("my password is 1234"), context)


async def test_the_stores_of_the_page_are_taken_by_an_application() -> None:
    names: dict[str, Any] = {}
    exec(blocks()[2], names)
    assert names["app"].display is not None
    assert names["app"].persistence is not None


async def test_the_page_names_every_kind_of_row_and_every_reason_to_keep_a_state() -> None:
    wanted = [*MessageType, *ContentType, *LIFECYCLES]
    assert [name for name in wanted if f"`{name}`" not in PAGE] == []
    assert SaveReason.INTERVAL not in LIFECYCLES


async def test_the_fields_that_the_page_names_are_those_of_a_row() -> None:
    named = {"id", "number", "sequence", "message_type", "content_type", "content", "metadata"}
    assert named <= DisplayMessage.model_fields.keys()
