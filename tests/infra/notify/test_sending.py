"""Where notices go: as the setting says, as a policy's `notify` chooses; and what fails costs only itself."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from sagents.approvers import groups, users
from sagents.errors import InvalidInput
from sagents.ports import Notice
from sagents_infra.links.sealing import opened
from sagents_infra.notify import LogNotifier
from sagents_infra.notify.letters import Letter, letter_of
from sagents_infra.notify.places import Addresses, notifier_of, place_at
from sagents_infra.notify.sending import NotSent, Place, Sender
from sagents_infra.notify.webhook import Slack, Webhook
from sagents_infra.settings import Settings
from tests.infra.links.questions import NOW, question
from tests.infra.notify.receiving import BASE, INVITING, KEYS, SECRET, notice, receiver

pytestmark = pytest.mark.asyncio


class Kept:
    """A way that keeps its letters, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.letters: list[Letter] = []
        self._error = error

    async def send(self, letter: Letter) -> None:
        if self._error is not None:
            raise self._error
        self.letters.append(letter)


def settings(**given: Any) -> Settings:
    return Settings(**given)


async def test_one_that_fails_costs_only_what_it_would_have_sent() -> None:
    first, last = Kept(), Kept()
    broken = [Place(Kept(NotSent("it answers 500")), "slack"), Place(Kept(ValueError("a bug")), "ses")]
    sender = Sender([Place(first, "sns"), *broken, Place(last, "log")], Addresses([], ""), INVITING)
    with capture_logs() as logs:
        await sender.notify(notice())
    assert (len(first.letters), len(last.letters)) == (1, 1)
    assert {(line["to"], line["error"]) for line in logs} == {("slack", "it answers 500"), ("ses", "ValueError: a bug")}


async def test_targets_choose_by_name_and_all_are_told_without_any() -> None:
    finance, pager = Kept(), Kept()
    sender = Sender([Place(finance, "slack", "finance"), Place(pager, "sns", "pager")], Addresses([], ""))
    for targets, told in (((), (1, 1)), (("#finance",), (2, 1)), (("finance", "#pager"), (3, 2))):
        await sender.notify(notice(targets=targets))
        assert (len(finance.letters), len(pager.letters)) == told


async def test_a_target_that_nobody_knows_is_told_to_all_and_said_in_the_log() -> None:
    finance = Kept()
    sender = Sender([Place(finance, "slack", "finance")], Addresses([], ""))
    with capture_logs() as logs:
        await sender.notify(notice(targets=("#finnance",)))
    assert (len(finance.letters), logs[0]["target"]) == (1, "#finnance")


async def test_a_target_that_is_an_address_is_told_in_the_place_of_all() -> None:
    usual = Kept()
    with receiver() as other:
        sender = Sender([Place(usual, "log")], Addresses([], SECRET))
        await sender.notify(notice(targets=(f"slack+{other.url}/b", f"{other.url}/a")))
    assert ({path for path, _, _ in other.got}, usual.letters) == ({"/a", "/b"}, [])


async def test_mail_of_a_policy_goes_from_the_address_that_is_set() -> None:
    places = [place_at("ses://agents@example.com?to=ann@example.com&region=us-east-1")]
    for target in ("mailto:ben@example.com", "ben@example.com"):
        found = Addresses(places, "").place(target)
        assert found is not None
        way: Any = found.way
        assert (way.sender, way.to) == ("agents@example.com", ("ben@example.com",))
    assert Addresses([], "").place("ben@example.com") is None


async def test_links_are_for_those_whom_the_question_names_and_the_same_again() -> None:
    asked = notice(question(approvers=users("alice", "dora", "bob") | groups("finance"), self_approval=False))
    first, again = [await INVITING.links(asked) for _ in range(2)]
    assert first == again
    assert [link.subject for link in first] == ["alice", "bob"]  # dora has asked
    links = [await opened(KEYS, link.url.rpartition("/")[2], NOW) for link in first]
    assert [(link.subject, link.tenant, link.groups) for link in links] == [("alice", "acme", ()), ("bob", "acme", ())]
    assert (await INVITING.links(asked.but(id="acme:7:int_call_7:reminded", kind="reminded")))[0] != first[0]


@pytest.mark.parametrize(
    ("terms", "people"),
    [
        ({"approvers": None}, ["dora"]),
        ({"approvers": None, "self_approval": False}, []),
        ({"approvers": groups("a")}, []),
    ],
    ids=["anybody", "anybody but who asked", "a group"],
)
async def test_where_nobody_is_named_the_owner_gets_a_link_if_they_may_decide(
    terms: dict[str, Any], people: list[str]
) -> None:
    assert [link.subject for link in await INVITING.links(notice(question(**terms)))] == people


async def test_what_is_over_has_no_links() -> None:
    for kind in ("decided", "expired", "cancelled", "superseded"):
        assert await INVITING.links(notice(kind=kind)) == ()


async def test_links_that_cannot_be_made_cost_the_links_and_not_the_notice() -> None:
    class NoKeys:
        async def links(self, _: Notice) -> Any:
            raise RuntimeError("no keys")

    kept = Kept()
    keyless: Any = NoKeys()
    with capture_logs() as logs:
        await Sender([Place(kept, "sns")], Addresses([], ""), keyless).notify(notice())
    assert (kept.letters[0].links, logs[0]["event"]) == ((), "a notice has no links")


async def test_without_a_public_address_notices_are_lines_without_links() -> None:
    assert isinstance(notifier_of(settings(), KEYS), LogNotifier)
    with capture_logs() as logs:
        await notifier_of(settings(notify="log"), KEYS).notify(notice())
        await notifier_of(settings(public_url=BASE, notify="log?links=no"), KEYS).notify(notice(targets=("#a",)))
    assert [("links" in line, line["event"]) for line in logs] == [(False, "approval requested")] * 2


async def test_with_one_the_line_has_the_link() -> None:
    with capture_logs() as logs:
        await notifier_of(settings(public_url=f"{BASE}/"), KEYS).notify(notice())
    [line] = logs
    assert line["links"]["alice"].startswith(f"{BASE}/approvals/")


async def test_places_are_read_with_their_names_and_options() -> None:
    hook = place_at("https://hooks.example.com/a?b=1%202&links=no&c=#ops", SECRET)
    assert (hook.name, hook.links, hook.label) == ("ops", False, "https")
    assert isinstance(hook.way, Webhook)
    assert hook.way.url == "https://hooks.example.com/a?b=1%202&c="
    chat = place_at("slack+https://hooks.slack.com/services/T/B/x")
    assert isinstance(chat.way, Slack)
    assert chat.way.url == "https://hooks.slack.com/services/T/B/x"
    topic: Any = place_at("sns://arn:aws:sns:eu-central-1:123456789012:approvals").way
    assert (topic.arn, topic.client.meta.region_name) == (
        "arn:aws:sns:eu-central-1:123456789012:approvals",
        "eu-central-1",
    )


async def test_several_places_stand_beside_each_other_whatever_commas_they_have() -> None:
    with receiver() as one, receiver() as two:
        text = f"slack+{one.url}/a?x=1,2, log,{two.url}/b#ops"
        with capture_logs() as logs:
            await notifier_of(settings(notify=text, notify_secret=SECRET), KEYS).notify(notice())
    assert ([path for path, _, _ in one.got], [path for path, _, _ in two.got]) == (["/a?x=1,2"], ["/b"])
    assert [line["event"] for line in logs] == ["approval requested"]


@pytest.mark.parametrize(
    "text",
    [
        "pigeon://x", "https://hooks.example.com/secret", "ses://agents", "ses://a@b.example?to=nobody", "slack+https://",
        "slack+http://hooks.example.com/secret", "log?links=maybe",
    ],
)  # fmt: skip
async def test_what_is_no_place_is_refused_without_its_secrets(text: str) -> None:
    with pytest.raises(InvalidInput, match="SAGENTS_NOTIFY") as refused:
        notifier_of(settings(notify=f"{text},log"), KEYS)
    assert "/secret" not in str(refused.value)


@pytest.mark.parametrize("base", ["agents.example.com", "ftp://a", "https://", "https://a?b=c"])
async def test_a_public_address_is_one_of_the_web(base: str) -> None:
    with pytest.raises(InvalidInput, match="SAGENTS_PUBLIC_URL"):
        notifier_of(settings(public_url=base), KEYS)


async def test_a_letter_says_who_until_when_and_how_else() -> None:
    text = letter_of(notice()).text
    for words in ("refund waits for a decision", "Risk: high", "For: alice", "sagents approvals show int_call_7"):
        assert words in text
    assert "UTC" in text
