"""What `SAGENTS_NOTIFY` says, as places that notices go to.

    log                                     a line of the log
    ses://agents@example.com?to=ann@example.com,ben@example.com&region=eu-central-1
    sns://arn:aws:sns:eu-central-1:123456789012:approvals
    https://hooks.example.com/approvals     signed with SAGENTS_NOTIFY_SECRET
    slack+https://hooks.slack.com/services/…#finance

A name behind `#` is what a policy's `notify=("#finance",)` chooses; it is never sent. `links=no` sends no links there.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from sagents.errors import InvalidInput
from sagents.ports import Notifier, Signer
from sagents_infra.notify.inviting import Inviting
from sagents_infra.notify.log import LogNotifier, LogWay
from sagents_infra.notify.sending import Place, Sender, Way
from sagents_infra.notify.webhook import Slack, Webhook
from sagents_infra.settings import Settings

BETWEEN = re.compile(r",(?=\s*(?:[a-z][a-z0-9+]*://|log\b))")
"""A comma before the next place; others are part of an address."""

LINKS = re.compile(r"(^|&)links=[^&]*")
MAILBOX = re.compile(r"[^@\s,<>]+@[^@\s,<>]+")
HERE = ("localhost", "127.0.0.1", "::1")
SHAPES = "log, ses://FROM?to=ADDRESS, sns://ARN, https://ADDRESS or slack+https://ADDRESS"


def notifier_of(settings: Settings, signer: Signer) -> Notifier:
    """The notifier of the settings. Raises `InvalidInput` where they are none; no message has an address' secrets."""
    if settings.notify.strip() in ("", "log") and not settings.public_url:
        return LogNotifier()
    secret = settings.notify_secret.get_secret_value()
    places = [place_at(text, secret) for text in BETWEEN.split(settings.notify or "log") if text.strip()]
    inviting = Inviting(signer, settings.public_url) if settings.public_url else None
    return Sender(places, Addresses(places, secret), inviting)


def place_at(text: str, secret: str = "") -> Place:
    """One place."""
    parts = urlsplit(text.strip())
    options = dict(parse_qsl(parts.query))
    links = options.pop("links", "yes")
    if links not in ("yes", "no"):
        raise InvalidInput(f"SAGENTS_NOTIFY: links is yes or no, not {links!r}.")
    scheme = parts.scheme or parts.path
    bare = parts._replace(fragment="", query=LINKS.sub("", parts.query).lstrip("&"))
    return Place(_way(scheme, bare, options, secret), scheme, parts.fragment, links == "yes")


def _way(scheme: str, parts: SplitResult, options: Mapping[str, str], secret: str) -> Way:
    match scheme:
        case "log":
            return LogWay()
        case "ses":
            return _mail(parts.netloc, options)
        case "sns":
            from sagents_infra.notify.mail import Topic

            arn = parts.netloc + parts.path
            return Topic(_client("sns", options, arn.split(":")[3] if arn.count(":") >= 5 else None), arn)
        case "https" | "http":
            if not secret:
                raise InvalidInput(f"SAGENTS_NOTIFY: notices to {scheme}://… are signed; set SAGENTS_NOTIFY_SECRET.")
            return Webhook(_url(parts), secret)
        case "slack+https" | "slack+http":
            return Slack(_url(parts._replace(scheme=scheme.removeprefix("slack+"))))
        case _:
            raise InvalidInput(f"SAGENTS_NOTIFY: nothing is sent by {scheme!r}; there are {SHAPES}.")


def _url(parts: SplitResult) -> str:
    """Links are secrets: over the net they travel encrypted."""
    if not parts.hostname or (parts.scheme == "http" and parts.hostname not in HERE):
        raise InvalidInput("SAGENTS_NOTIFY: a webhook is at https://…; http:// is for this machine alone.")
    return parts.geturl()


def _mail(sender: str, options: Mapping[str, str]) -> Way:
    from sagents_infra.notify.mail import Mail  # boto3 only for who asks for it

    to = tuple(filter(None, (address.strip() for address in options.get("to", "").split(","))))
    if not MAILBOX.fullmatch(sender) or not all(map(MAILBOX.fullmatch, to)):
        raise InvalidInput(
            "SAGENTS_NOTIFY: mail looks like ses://agents@example.com?to=ann@example.com,ben@example.com."
        )
    return Mail(_client("sesv2", options), sender, to)


def _client(service: str, options: Mapping[str, str], region: str | None = None) -> Any:
    import boto3

    from sagents_infra.notify.mail import PATIENCE

    region = options.get("region") or region
    return boto3.client(service, region_name=region, endpoint_url=options.get("endpoint"), config=PATIENCE)


class Addresses:
    """Ways to targets that are addresses themselves: `mailto:ann@example.com`, or as in `SAGENTS_NOTIFY`."""

    def __init__(self, places: list[Place], secret: str) -> None:
        self._places, self._secret = places, secret
        self._known: dict[str, Place] = {}

    def place(self, target: str) -> Place | None:
        if target not in self._known:
            found = self._mailbox(target.removeprefix("mailto:")) or self._address(target)
            if found is None:
                return None
            self._known[target] = found
        return self._known[target]

    def _mailbox(self, address: str) -> Place | None:
        from sagents_infra.notify.mail import Mail

        if not MAILBOX.fullmatch(address) or "://" in address:
            return None
        for place in self._places:
            if isinstance(place.way, Mail):
                return replace(place, way=replace(place.way, to=(address,)), name="")
        return None

    def _address(self, target: str) -> Place | None:
        if "://" not in target and target != "log":
            return None
        try:
            return place_at(target, self._secret)
        except InvalidInput:
            return None
