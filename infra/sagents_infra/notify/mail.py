"""Notices by Amazon SES and SNS. Imports boto3."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagents_infra.notify.letters import Letter
from sagents_infra.notify.sending import NotSent

PATIENCE = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2, "mode": "standard"})
SUBJECT = "{subject}"
"""In an address, it stands for who decides: each gets a mail of their own, with their link alone."""


@dataclass(frozen=True)
class Mail:
    """A way by mail, to all of `to`; whoever is named there gets no link but their own."""

    client: Any
    sender: str
    to: tuple[str, ...]

    async def send(self, letter: Letter) -> None:
        found = letters(self.to, letter)
        if letter.asks and not found:
            raise NotSent("nobody gets a mail: the question names no person, or no address is set")
        failed = await asyncio.gather(*(self._send(address, one) for address, one in found), return_exceptions=True)
        for error in filter(None, failed):
            raise error

    async def _send(self, address: str, letter: Letter) -> None:
        header = {"Name": "X-Sagents-Notice", "Value": hashlib.sha256(letter.id.encode()).hexdigest()}
        content = {
            "Subject": {"Data": letter.title[:200], "Charset": "UTF-8"},
            "Body": {"Text": {"Data": letter.text, "Charset": "UTF-8"}},
            "Headers": [header],
        }
        await _asked(
            self.client.send_email,
            FromEmailAddress=self.sender,
            Destination={"ToAddresses": [address]},
            Content={"Simple": content},
        )


def letters(to: Sequence[str], letter: Letter) -> list[tuple[str, Letter]]:
    """To whom which letter goes."""
    found: list[tuple[str, Letter]] = []
    for address in to:
        if SUBJECT in address:
            found += [(address.replace(SUBJECT, name), _of(name, letter)) for name in letter.people if _is_part(name)]
        else:
            found.append((address, _of(address, letter) if address in letter.people else letter))
    return found


def _of(name: str, letter: Letter) -> Letter:
    """With nobody else's links."""
    return replace(letter, links=tuple(link for link in letter.links if link.subject == name))


@dataclass(frozen=True)
class Topic:
    """A way to a topic of SNS. One that ends in `.fifo` takes a repetition for what it is."""

    client: Any
    arn: str

    async def send(self, letter: Letter) -> None:
        name = hashlib.sha256(letter.id.encode()).hexdigest()
        once = {"MessageDeduplicationId": name, "MessageGroupId": name} if self.arn.endswith(".fifo") else {}
        said = {"kind": letter.kind, "notice_id": letter.id, "agent_id": letter.agent_id}
        attributes = {key: {"DataType": "String", "StringValue": value} for key, value in said.items()}
        subject = letter.title.encode("ascii", "replace").decode()[:100]
        await _asked(
            self.client.publish,
            TopicArn=self.arn,
            Subject=subject,
            Message=letter.text,
            MessageAttributes=attributes,
            **once,
        )


async def _asked(call: Any, **given: Any) -> None:
    try:
        await asyncio.to_thread(call, **given)
    except (ClientError, BotoCoreError) as error:
        raise NotSent(str(error)) from error


def _is_part(subject: str) -> bool:
    """A name that an address can be made of; it comes from a policy, but may be anything."""
    return bool(subject) and all(letter.isalnum() or letter in "._+-" for letter in subject)
