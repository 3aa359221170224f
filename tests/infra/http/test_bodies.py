"""Bodies that a gateway has written in base64: those that are none, too large or no text."""

import base64
from typing import Any

import pytest

from sagents_infra.http.handler import Door
from sagents_infra.http.options import HttpOptions
from tests.infra.http.asking import Answer, Front, event
from tests.infra.http.conftest import nobody

SMALL = HttpOptions(max_body_bytes=1024)


def sent(front: Front, body: str, *, encoded: bool = True) -> Answer:
    """A message whose body is this, word for word."""
    asked: dict[str, Any] = event("POST", "/conversations/7/messages", "")
    raw = front.door({**asked, "body": body, "isBase64Encoded": encoded})
    return Answer(raw["statusCode"], raw["headers"], raw["body"])


@pytest.mark.parametrize(
    "body",
    ["no base64!", "abc", "ab=c", "=", "ü", "\ud800", "e30\n=", base64.b64encode(b"\xff\xfe").decode()],
    ids=["words", "a length", "padding inside", "padding alone", "a letter", "half a character", "a line", "bytes"],
)
def test_what_is_no_base64_or_no_text_is_malformed(front: Front, body: str) -> None:
    refused = sent(front, body)
    assert (refused.status, refused.problem) == (400, "malformed-body")


@pytest.mark.parametrize("size", [1025, 1026, 1028, 5_000_000])
def test_a_body_that_is_too_large_is_refused_however_it_is_written(size: int) -> None:
    front = Front(Door(nobody(), SMALL))
    for body, encoded in ((base64.b64encode(b" " * size).decode(), True), (" " * size, False), ("=" * size * 2, True)):
        refused = sent(front, body, encoded=encoded)
        assert (refused.status, refused.problem) == (413, "too-large")


@pytest.mark.parametrize("size", [1022, 1023, 1024])
def test_the_largest_body_is_read(size: int) -> None:
    """It is refused for what it says, not for its size."""
    front = Front(Door(nobody(), SMALL))
    for body, encoded in ((base64.b64encode(b" " * size).decode(), True), (" " * size, False)):
        assert sent(front, body, encoded=encoded).problem in ("malformed-body", "invalid-request")
