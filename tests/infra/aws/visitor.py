"""Somebody who talks to the deployed functions by HTTP."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.infra.aws.asked import request
from tests.infra.aws.deployed import Stack
from tests.infra.http.asking import Answer, Person

PARTS = {"statusCode", "headers", "multiValueHeaders", "cookies", "body", "isBase64Encoded"}
"""What an answer to API Gateway may have (payload 2.0)."""


def until(condition: Callable[[], Any], within: float = 60) -> Any:
    """What a condition gives once it holds."""
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {within} s in vain for {condition.__qualname__}"
        time.sleep(0.1)
    return found


def ask(deployed: Stack, method: str, path: str, body: Any = None, **given: Any) -> Answer:
    raw = deployed.function("ApiFunction").invoke(request(method, path, body, **given))
    assert set(raw) <= PARTS, raw
    return Answer(raw["statusCode"], raw["headers"], raw["body"])


@dataclass(frozen=True)
class Visitor:
    """A person, with one conversation: 7."""

    deployed: Stack
    who: Person

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What an answer says that is no refusal."""
        answer = ask(self.deployed, method, path, body, who=self.who)
        assert answer.status < 300, answer.body
        return answer.json

    def begin(self) -> None:
        self.ask("POST", "/conversations", {"agent": "helper", "conversation_id": "7"})

    def ticket(self) -> str:
        return str(self.ask("POST", "/ws-tickets")["ticket"])

    def say(self, text: str) -> list[str]:
        """All that was said in the conversation, once the agent has answered and is idle."""
        self.ask("POST", "/conversations/7/messages", {"content": text})

        def said() -> list[str]:
            rows = self.ask("GET", "/conversations/7/messages")["rows"]
            texts = [row["content"]["text"] for row in rows if row["content"].get("text")]
            is_idle = self.ask("GET", "/conversations/7")["status"] == "idle"
            return texts if is_idle and text in texts and "word_count says" in texts[-1] else []

        return list(until(said))
