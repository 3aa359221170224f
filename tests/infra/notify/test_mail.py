"""Notices by mail and topics: moto, over HTTP."""

from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from sagents.approvers import groups, users
from sagents_infra.notify.letters import Letter, letter_of
from sagents_infra.notify.mail import Mail, letters
from sagents_infra.notify.places import notifier_of
from sagents_infra.notify.sending import NotSent
from sagents_infra.settings import Settings
from tests.infra.links.questions import question
from tests.infra.notify.receiving import BASE, INVITING, KEYS, notice
from tests.support.aws import KEYS as CREDENTIALS
from tests.support.aws import aws_peer

pytestmark = pytest.mark.asyncio
FROM = "agents@example.com"
ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with aws_peer() as found:
        yield found


@pytest.fixture
def aws(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": url}.items():
        monkeypatch.setenv(name, value)
    urlopen(f"{url}/moto-api/reset", data=b"").close()
    return url


def mails() -> dict[str, Any]:
    """What was sent, by who got it; moto runs in this process."""
    sent = ses_backends[ACCOUNT]["us-east-1"].sent_messages
    return {one.destinations["ToAddresses"][0]: one for one in sent}


def topic(arn: str) -> list[Any]:
    """Message, subject and attributes of what a topic has got."""
    return [one[1:] for one in sns_backends[ACCOUNT]["us-east-1"].topics[arn].sent_notifications]


async def a_letter(kind: str = "requested", **terms: Any) -> Letter:
    asked = notice(question(**terms), kind)
    return letter_of(asked, await INVITING.links(asked))


async def test_a_mail_has_what_is_asked_and_the_link(aws: str) -> None:
    boto3.client("sesv2").create_email_identity(EmailIdentity=FROM)
    settings = Settings(notify=f"ses://{FROM}?to=ann@example.com,ben@example.com", public_url=BASE)
    await notifier_of(settings, KEYS).notify(notice())
    found = mails()
    assert sorted(found) == ["ann@example.com", "ben@example.com"]
    for mail in found.values():
        assert (mail.source, mail.subject) == (FROM, "refund waits for a decision")
        assert f"{BASE}/approvals/" in mail.body
        assert "4000" not in mail.body


async def test_each_person_gets_their_own_link_and_nobody_elses(aws: str) -> None:
    letter = await a_letter(approvers=users("alice", "bob", "carol@example.com", "eve@evil.example,x"))
    assert [link.subject for link in letter.links] == [*letter.people]
    found = dict(letters(("{subject}@example.com", "carol@example.com", "all@example.com"), letter))
    own = {address: [link.subject for link in one.links] for address, one in found.items()}
    assert own == {
        "alice@example.com": ["alice"],
        "bob@example.com": ["bob"],
        "carol@example.com": ["carol@example.com"],
        "all@example.com": [*letter.people],
    }


async def test_a_question_that_names_nobody_is_not_mailed_to_nobody_in_silence() -> None:
    way = Mail(None, FROM, ("{subject}@example.com",))
    with pytest.raises(NotSent, match="names no person"):
        await way.send(await a_letter(approvers=groups("finance")))
    await way.send(await a_letter("decided", approvers=groups("finance")))


async def test_mail_that_ses_refuses_is_not_sent_and_says_why(aws: str) -> None:
    way = Mail(boto3.client("sesv2"), "nobody@example.com", ("ann@example.com",))
    with pytest.raises(NotSent, match="not verified"):
        await way.send(await a_letter())


@pytest.mark.parametrize("suffix", ["", ".fifo"])
async def test_a_topic_gets_the_notice_with_its_id(aws: str, suffix: str) -> None:
    fifo = {"FifoTopic": "true"} if suffix else {}
    arn = boto3.client("sns").create_topic(Name=f"approvals{suffix}", Attributes=fifo)["TopicArn"]
    await notifier_of(Settings(notify=f"sns://{arn}", public_url=BASE), KEYS).notify(notice())
    [(message, subject, attributes, *_)] = topic(arn)
    assert (subject, f"{BASE}/approvals/" in message) == ("refund waits for a decision", True)
    assert attributes["notice_id"]["Value"] == "acme:7:int_call_7:requested"


async def test_subjects_of_topics_are_ascii_on_one_line(aws: str) -> None:
    arn = boto3.client("sns").create_topic(Name="odd")["TopicArn"]
    item = question()
    odd = item.but(interrupt=item.interrupt.but(tool="größe\n\u202ex" + "y" * 200))
    await notifier_of(Settings(notify=f"sns://{arn}"), KEYS).notify(notice(odd))
    [(_, subject, *_)] = topic(arn)
    assert subject.isascii()
    assert len(subject) <= 100
    assert "\n" not in subject
