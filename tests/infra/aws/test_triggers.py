"""Events of AWS become messages, each of them once."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sagents import CannotAnswer, InvalidInput
from sagents.client.owning import scope_of
from sagents.messages import Role
from sagents_infra.aws.rules import Letter, Rule, read_rules
from sagents_infra.aws.triggers import deliver, sender
from tests.infra.aws.templates import ROOT
from tests.support.deciding import server_of
from tests.support.models import echoes
from tests.support.skipping import app_of

pytestmark = pytest.mark.asyncio

RULES = read_rules((ROOT / "deploy/doors/triggers.json").read_text(encoding="utf-8"))


class Post:
    """What was sent; the letters for `broken` conversations come back."""

    def __init__(self, *broken: str) -> None:
        self.broken, self.letters = broken, list[Letter]()

    async def send(self, letter: Letter) -> None:
        if letter.conversation in self.broken:
            raise CannotAnswer("nobody is there")
        self.letters.append(letter)

    @property
    def told(self) -> list[tuple[str, str, str]]:
        return [(letter.agent, letter.conversation, letter.text) for letter in self.letters]


def sqs(number: int, conversation: str, text: str = "hello", group: str = "") -> dict[str, Any]:
    attributes = {"MessageGroupId": group} if group else {}
    body = json.dumps({"conversation": conversation, "text": text})
    return {"messageId": f"m-{number}", "eventSource": "aws:sqs", "body": body, "attributes": attributes}


def batch(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}


SNS = batch(
    {
        "EventSource": "aws:sns",
        "Sns": {"MessageId": "n-1", "Subject": "x", "Message": json.dumps({"conversation": "c", "text": "hello"})},
    }
)
EVENT = {
    "id": "e-1",
    "detail-type": "order",
    "source": "shop",
    "detail": {"conversation": "c", "text": "hello"},
}
UPLOAD = batch(
    {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "b"}, "object": {"key": "c/report.pdf", "eTag": "1", "sequencer": "7"}},
    }
)
S3_RULE = Rule(source="s3", agent="helper", conversation="s3.object.key", message="join(' ', ['new', s3.object.key])")


def parcel(answer: Any) -> list[str]:
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        pytest.param(batch(sqs(1, "c")), ("helper", "c", "hello"), id="sqs"),
        pytest.param(SNS, ("helper", "c", "hello"), id="sns"),
        pytest.param(EVENT, ("helper", "c", "hello"), id="eventbridge"),
        pytest.param(UPLOAD, ("helper", "c/report.pdf", "new c/report.pdf"), id="s3"),
        pytest.param({"conversation": "c", "text": "hello"}, ("helper", "c", "hello"), id="schedule"),
    ],
)
async def test_event_becomes_the_message_that_its_rule_says_and_the_same_one_when_it_comes_again(
    event: Any, told: tuple[str, str, str]
) -> None:
    post = Post()
    for _ in range(2):
        await deliver(event, "invocation-1", (*RULES, S3_RULE), post.send)
    assert post.told == [told, told]
    assert len({letter.id for letter in post.letters}) == 1


async def test_two_events_are_two_messages_though_they_say_the_same() -> None:
    post = Post()
    await deliver(batch(sqs(1, "c"), sqs(2, "c")), "invocation-1", RULES, post.send)
    await deliver({"conversation": "c", "text": "hello"}, "invocation-1", RULES, post.send)
    await deliver({"conversation": "c", "text": "hello"}, "invocation-2", RULES, post.send)
    assert len({letter.id for letter in post.letters}) == 4


async def test_of_a_batch_with_one_bad_record_only_that_one_comes_again() -> None:
    post = Post("gone")
    answer = await deliver(batch(sqs(1, "a"), sqs(2, "gone"), sqs(3, "b")), "invocation-1", RULES, post.send)
    assert parcel(answer) == ["m-2"]
    assert [letter.conversation for letter in post.letters] == ["a", "b"]


ENDLESS = "[" * 100_000


@pytest.mark.parametrize(
    "body",
    [ENDLESS, "[" * 500 + "]" * 500, "7", "null"],
    ids=["endless", "deep", "a number", "nothing"],
)
async def test_body_that_nobody_can_read_hinders_no_other_record(body: str) -> None:
    bad = {**sqs(1, "a"), "body": body}
    post = Post()
    answer = await deliver(batch(bad, sqs(2, "b")), "invocation-1", RULES, post.send)
    assert parcel(answer) == ["m-1"]
    assert [letter.conversation for letter in post.letters] == ["b"]


@pytest.mark.parametrize("found", ["a:b", "a/b", "", ["a"], {"a": 1}], ids=str)
async def test_tenant_that_could_stand_for_another_is_refused(found: Any) -> None:
    rule = Rule(source="schedule", agent="helper", conversation="c", message="text", tenant="tenant")
    post = Post()
    with pytest.raises(InvalidInput):
        await deliver({"c": "1", "text": "hello", "tenant": found}, "invocation-1", (rule,), post.send)
    assert post.letters == []


@pytest.mark.parametrize("found", [["a"], {"a": 1}, True, 1.5], ids=str)
async def test_conversation_that_is_no_name_is_refused(found: Any) -> None:
    rule = Rule(source="schedule", agent="helper", conversation="c", message="text")
    with pytest.raises(InvalidInput, match="conversation"):
        await deliver({"c": found, "text": "hello"}, "invocation-1", (rule,), Post().send)


async def test_record_that_says_nothing_comes_again_until_it_is_a_dead_letter() -> None:
    post = Post()
    answer = await deliver(batch(sqs(1, "a", text=""), sqs(2, "b")), "invocation-1", RULES, post.send)
    assert parcel(answer) == ["m-1"]
    assert len(post.letters) == 1


async def test_after_a_failure_the_rest_of_its_group_waits_and_other_groups_do_not() -> None:
    post = Post("gone")
    records = (sqs(1, "a", group="g"), sqs(2, "gone", group="g"), sqs(3, "b", group="g"), sqs(4, "c", group="h"))
    answer = await deliver(batch(*records), "invocation-1", RULES, post.send)
    assert parcel(answer) == ["m-2", "m-3"]
    assert sorted(letter.conversation for letter in post.letters) == ["a", "c"]


async def test_failed_event_of_another_source_fails_the_invocation_which_aws_repeats() -> None:
    with pytest.raises(CannotAnswer):
        await deliver(EVENT, "invocation-1", RULES, Post("c").send)


async def test_event_that_no_rule_is_for_is_done_with() -> None:
    post = Post()
    assert await deliver({**EVENT, "detail": {"other": 1}}, "invocation-1", RULES, post.send) is None
    assert post.letters == []


async def test_first_rule_that_fits_is_taken() -> None:
    first = Rule(source="eventbridge", where="detail.text == 'hello'", agent="other", conversation="id", message="id")
    post = Post()
    await deliver(EVENT, "invocation-1", (first, *RULES), post.send)
    assert post.told == [("other", "e-1", "e-1")]


async def test_value_that_is_no_text_is_told_as_json_and_json_in_text_can_be_asked() -> None:
    rule = Rule(source="eventbridge", agent="a", conversation="powertools_json(detail.text).id", message="detail")
    post = Post()
    await deliver({**EVENT, "detail": {"text": '{"id": 7}'}}, "invocation-1", (rule,), post.send)
    assert post.told == [("a", "7", '{"text": "{\\"id\\": 7}"}')]


async def test_owner_and_tenant_of_a_conversation_are_read_from_the_event() -> None:
    rule = Rule(source="eventbridge", agent="a", conversation="id", message="id", owner="detail.text", tenant="'acme'")
    post = Post()
    await deliver(EVENT, "invocation-1", (rule,), post.send)
    assert post.letters[0].scope == {"owner": "hello", "tenant": "acme"}


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ('[{"source": "pigeon", "agent": "a", "conversation": "id", "message": "id"}]', "0.source"),
        ('[{"source": "sqs", "agent": "a", "conversation": "id["}]', "0.conversation"),
        ('[{"source": "sqs"}]', "0.agent"),
        ("[", "the list"),
        ("nowhere.json", "cannot be read"),
    ],
    ids=["source", "expression", "missing", "json", "file"],
)
async def test_rules_that_say_nothing_sensible_are_refused_with_the_place(written: str, wrong: str) -> None:
    with pytest.raises(InvalidInput, match=wrong):
        read_rules(written)


async def test_agent_gets_one_message_of_an_event_that_aws_delivers_twice(agent_env: Callable[..., Any]) -> None:
    async with agent_env(app_of(echoes())) as env:
        server = server_of(env)
        conversation = env.id("c")
        for _ in range(2):
            event = batch(sqs(1, conversation), sqs(1, conversation))
            assert parcel(await deliver(event, "invocation-1", RULES, sender(server, whose_of(env)))) == []
        said = await server.messages(f"conversation-{conversation}")
        assert [message.text for message in said if message.role is Role.USER] == ["hello"]


async def test_event_reaches_no_conversation_of_another_owner_than_it_names(agent_env: Callable[..., Any]) -> None:
    """Whoever writes events may write any conversation's id into them."""
    rule = Rule(source="schedule", agent="helper", conversation="c", message="text", owner="owner")
    async with agent_env(app_of(echoes())) as env:
        server, conversation = server_of(env), env.id("c")
        send = sender(server, whose_of(env))
        for number, owner in enumerate(("ann", "ann")):
            await deliver({"c": conversation, "text": "hello", "owner": owner}, f"i-{number}", (rule,), send)
        with pytest.raises(InvalidInput, match="somebody else"):
            await deliver({"c": conversation, "text": "send me all", "owner": "eve"}, "i-9", (rule,), send)
        said = await server.messages(f"conversation-{conversation}")
        assert [message.text for message in said if message.role is Role.USER] == ["hello", "hello"]


def whose_of(env: Any) -> Callable[[str], Any]:
    """The scopes of its agents."""
    server = server_of(env)
    return lambda agent_id: scope_of(server._line, server._store, agent_id)
