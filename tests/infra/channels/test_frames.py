"""How events become messages that API Gateway takes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sagents.events import Event
from sagents_infra.channels.frames import LONGEST, frames

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def an_event(id: int | None, text: str = "") -> Event:
    return Event(agent_id="a", type="said", at=NOW, data={"text": text}, id=id)


def told(*events: Event) -> list[dict[str, Any]]:
    """What a browser reads."""
    messages = frames(events)
    assert all(len(message.data) <= LONGEST for message in messages)
    return [json.loads(message.data) for message in messages]


def test_events_that_have_room_are_one_message() -> None:
    events = [an_event(1, "ü🌍\n\u2028"), an_event(None, "δ"), an_event(2)]
    (message,) = told(*events)
    assert message["type"] == "events"
    assert [Event.model_validate(event) for event in message["events"]] == events


def test_prompts_are_no_browsers_to_read() -> None:
    prompt = Event(agent_id="a", type="after_middleware_state", at=NOW, data={"system_prompt": "secret"})
    (message,) = told(an_event(1), prompt, an_event(2))
    assert [event["id"] for event in message["events"]] == [1, 2]


def test_no_events_are_no_message() -> None:
    assert frames(()) == ()


@pytest.mark.parametrize("text", ["x" * 5_000, "ü" * 5_000, '"' * 5_000], ids=["plain", "two bytes", "escaped"])
def test_what_has_no_room_goes_into_the_next_message_in_order(text: str) -> None:
    messages = told(*(an_event(number, text) for number in range(1, 21)))
    assert len(messages) > 2
    assert [event["id"] for message in messages for event in message["events"]] == list(range(1, 21))


def test_messages_are_filled_to_the_last_byte() -> None:
    empty = len(frames([an_event(1)])[0].data)
    exactly, longer = an_event(1, "x" * (LONGEST - empty)), an_event(1, "x" * (LONGEST - empty + 1))
    assert [len(message.data) for message in frames([exactly])] == [LONGEST]
    assert told(longer) == [{"type": "fetch", "agent_id": "a", "id": 1}]


def test_a_stored_event_that_is_too_long_is_fetched_in_its_place() -> None:
    messages = told(an_event(1), an_event(2, "x" * LONGEST), an_event(3))
    assert [[event["id"] for event in message.get("events", ())] or message for message in messages] == [
        [1],
        {"type": "fetch", "agent_id": "a", "id": 2},
        [3],
    ]


def test_tokens_that_are_too_long_are_left_out_and_their_message_tells_them() -> None:
    assert [message["events"][0]["id"] for message in told(an_event(None, "x" * LONGEST), an_event(7))] == [7]
    assert frames([an_event(None, "x" * LONGEST)]) == ()


def test_a_message_says_whether_all_of_it_can_be_sent_twice() -> None:
    assert [message.is_stored for message in frames([an_event(1), an_event(2, "x" * LONGEST), an_event(3)])] == [
        True
    ] * 3
    assert [message.is_stored for message in frames([an_event(1), an_event(None)])] == [False]
    many = [an_event(None), *(an_event(number, "x" * 20_000) for number in (1, 2))]
    assert [message.is_stored for message in frames(many)] == [False, True]
