"""Whatever an agent tells, and from wherever a page begins to listen: the rules of AG-UI hold, and nothing is lost."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagents.status import Status
from sagents_infra.ag_ui import Projection, project
from sagents_infra.ag_ui.closing import Rest
from tests.infra.ag_ui.client import Page, messages_of
from tests.infra.ag_ui.logs import AGENT, NOW, Log, logs

MANY = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def shown(page: Page) -> dict[str, str]:
    """What the agent and its sub-agents have said, by message."""
    messages = page.messages.values()
    return {one["id"]: one["content"] for one in messages if one["role"] == "assistant" and one.get("content")}


def said(log: Log) -> dict[str, str]:
    return {stream: text for stream, text in log.texts.items() if text}


@MANY
@given(logs())
def test_each_rule_holds_and_each_word_is_told_once(log: Log) -> None:
    """B-152, B-153: tokens that were lost, came late or belong to an attempt that was given up change nothing."""
    page = Page().read(*project(log.events))
    assert page.run is None
    assert shown(page) == said(log)
    asked = {call["id"] for message in page.messages.values() for call in message.get("toolCalls", [])}
    assert asked == {*log.calls}
    told = [event.data["todos"] for event in log.events if event.type == "todos_updated"]
    assert page.state["todos"] == (told[-1] if told else [])


@MANY
@given(logs(), st.data())
def test_a_page_that_begins_anywhere_hears_a_correct_story(log: Log, data: st.DataObject) -> None:
    """B-154: also in the midst of a run, of a reply, of a sub-agent's work."""
    cut = data.draw(st.integers(0, len(log.events)))
    projection, page = Projection(AGENT), Page()
    for event in log.events[cut:]:
        page.read(*projection.tell(event))
    page.read(*projection.finish(Rest(Status.IDLE), NOW))
    last = {stream: text for stream, text in shown(page).items() if stream in said(log)}
    assert last == shown(page)
    assert all(text == said(log)[stream] for stream, text in last.items())


@MANY
@given(logs(), st.data())
def test_a_page_that_was_away_has_all_once_it_is_back(log: Log, data: st.DataObject) -> None:
    """B-154: it lost its stream anywhere, and asks again later: a snapshot tells what it missed, then all goes on."""
    first = data.draw(st.integers(0, len(log.events)))
    again = data.draw(st.integers(first, len(log.events)))
    before = Page().read(*project(log.events[:first]))
    stored = [event for event in log.events[:first] if event.id]
    missed = [event for event in log.events if event.id and event.id > len(stored)]
    live = [event for event in log.events[again:] if event.id is None or event in missed]
    caught = [event for event in missed if event not in live]

    projection = Projection(AGENT, messages=messages_of(before), state=before.state)
    for event in caught:
        [*projection.tell(event)]
    after = Page(before.messages.values(), before.state)
    after.read(*projection.begin("again", NOW, restate=True))
    for event in live:
        after.read(*projection.tell(event))
    after.read(*projection.finish(Rest(Status.IDLE), NOW))
    assert shown(after) == said(log)
