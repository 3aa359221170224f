"""Notices to a program, signed; and to chats that take Slack's blocks."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sagents_infra.notify.letters import Letter, one_line
from sagents_infra.notify.posting import post
from sagents_infra.notify.signatures import NOTICE_ID, signed

BUTTONS = 25
"""As many as Slack takes beside each other."""


@dataclass(frozen=True)
class Webhook:
    """A way to a program, which checks the signature (`sagents_infra.notify.signatures.genuine`)."""

    url: str = field(repr=False)
    secret: str = field(repr=False)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def send(self, letter: Letter) -> None:
        body = json.dumps(told(letter), ensure_ascii=False, separators=(",", ":")).encode()
        await post(self.url, body, {NOTICE_ID: letter.id, **signed(self.secret, body, self.clock())})


def told(letter: Letter) -> dict[str, Any]:
    """A notice as programs read it; without the call's arguments."""
    interrupt = letter.item.interrupt
    return {
        "id": letter.id,
        "kind": letter.kind,
        "agent_id": letter.agent_id,
        "interrupt_id": letter.interrupt_id,
        "title": letter.title,
        "tool": interrupt.tool,
        "message": interrupt.message,
        "risk": interrupt.risk,
        "tenant": letter.item.tenant,
        "expires_at": None if interrupt.expires_at is None else interrupt.expires_at.isoformat(),
        "links": [{"subject": link.subject, "url": link.url} for link in letter.links],
    }


@dataclass(frozen=True)
class Slack:
    """A way to a channel; its address is a secret of whoever made it."""

    url: str = field(repr=False)

    async def send(self, letter: Letter) -> None:
        await post(self.url, json.dumps(blocks(letter), ensure_ascii=False).encode(), {})


def blocks(letter: Letter) -> dict[str, Any]:
    """The message; `text` is what notifications show."""
    facts = "\n".join(f"*{name}:* {_escaped(value)}" for name, value in letter.facts)
    parts: list[dict[str, Any]] = [{"type": "header", "text": _plain(letter.title[:150])}]
    if facts:
        parts.append({"type": "section", "text": {"type": "mrkdwn", "text": facts[:3000]}})
    if letter.links:
        parts.append({"type": "actions", "elements": [_button(letter, n) for n in range(len(letter.links[:BUTTONS]))]})
    elif letter.asks:
        parts.append({"type": "context", "elements": [{"type": "mrkdwn", "text": f"`{_escaped(letter.answer)}`"}]})
    return {"text": _escaped(letter.title), "blocks": parts}


def _button(letter: Letter, number: int) -> dict[str, Any]:
    link = letter.links[number]
    words = _plain(one_line(f"Decide as {link.subject}", 75))
    return {"type": "button", "text": words, "url": link.url, "action_id": f"decide-{number}"}


def _plain(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words, "emoji": False}


def _escaped(words: str) -> str:
    """Nothing that a model writes is a link, or calls everybody."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")
