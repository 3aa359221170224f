"""What a page sends."""

import json
from typing import Any

import pytest

from sagents.errors import InvalidInput
from sagents.messages import ContentPart, PartType
from sagents_infra.ag_ui import read
from sagents_infra.ag_ui.requests import content_of, said


def request(*messages: dict[str, Any]) -> str:
    return json.dumps(
        {"threadId": "t", "runId": "r", "messages": [{"id": f"m{n}", **one} for n, one in enumerate(messages)]}
    )


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"threadId": "t"}', b"\xff"], ids=["empty", "list", "incomplete", "bytes"]
)
def test_a_body_that_is_no_request_is_refused_before_anything_runs(body: bytes) -> None:
    with pytest.raises(InvalidInput, match="no RunAgentInput"):
        read(body)


def test_what_the_user_said_since_anybody_else_spoke_is_new() -> None:
    """B-155: a page sends all of the conversation each time."""
    told = read(request(user("old"), {"role": "assistant", "content": "Hm"}, user("one"), user("two")))
    assert [(message.id, message.content) for message in said(told)] == [("m2", "one"), ("m3", "two")]
    assert said(read(request(user("old"), {"role": "assistant", "content": "Hm"}))) == []


def test_images_and_files_come_along() -> None:
    data = {"type": "data", "value": "aGk=", "mimeType": "image/png"}
    url = {"type": "url", "value": "https://example.com/a.pdf"}
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image", "source": data},
        {"type": "document", "source": url},
        {"type": "image", "source": {"type": "file", "value": "file-1"}},
    ]
    (message,) = said(read(request(user(parts))))
    assert [*content_of(message)] == [
        ContentPart(content="Look"),
        ContentPart(type=PartType.IMAGE, content="aGk=", options={"media_type": "image/png"}),
        ContentPart(type=PartType.FILE_URL, content="https://example.com/a.pdf"),
    ]
