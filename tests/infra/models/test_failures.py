"""How errors are classed, where a server cannot be made to produce them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest
from botocore.exceptions import NoCredentialsError
from botocore.parsers import ResponseParserError
from pydantic_ai import exceptions as wire
from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart, ToolCallPart

from sagents.errors import ModelError, ModelErrorKind
from sagents.messages import Message, ToolResult
from sagents_infra.models.failures import check, classed

RETRY, FALL_BACK, FAIL = ModelErrorKind.RETRY, ModelErrorKind.FALL_BACK, ModelErrorKind.FAIL
ASKED = (Message.user("Well?"),)


def http(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> wire.ModelHTTPError:
    return wire.ModelHTTPError(status, "a-model", body, headers=headers)


def response(*parts: Any, finish_reason: Any = "stop", **more: Any) -> ModelResponse:
    return ModelResponse(parts, finish_reason=finish_reason, **more)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (wire.ModelTimeoutError("m", "timed out"), RETRY),
        (wire.ModelRequestTimeout("m", 3.0), RETRY),
        (wire.ModelAPIError("m", "what is this?"), RETRY),
        (wire.UnexpectedModelBehavior("no content"), RETRY),
        (httpx2.ReadError("reset"), RETRY),
        (ConnectionResetError(), RETRY),
        (TimeoutError(), RETRY),
        (ResponseParserError("no event stream"), RETRY),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), RETRY),
        (http(425), RETRY),
        (http(418), FALL_BACK),
        (wire.ModelQuotaExceededError("m", "no credit"), FALL_BACK),
        (wire.ContentFilterError("filtered"), FALL_BACK),
        (wire.UserError("this model takes no audio"), FALL_BACK),
        (RuntimeError("a bug"), FALL_BACK),
        (NoCredentialsError(), FAIL),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_has_a_kind(error: Exception, kind: ModelErrorKind) -> None:
    assert classed(error).kind is kind


@pytest.mark.parametrize(("status", "hint", "kind"), [(500, "false", FALL_BACK), (400, "true", RETRY)])
def test_a_provider_that_knows_better_is_believed(status: int, hint: str, kind: ModelErrorKind) -> None:
    assert classed(http(status, headers={"x-should-retry": hint})).kind is kind


def test_a_wait_may_be_given_as_a_date() -> None:
    then = datetime.now(UTC) + timedelta(seconds=90)
    after = classed(http(503, headers={"Retry-After": format_datetime(then, usegmt=True)})).retry_after
    assert after is not None
    assert timedelta(seconds=60) < after <= timedelta(seconds=90)


@pytest.mark.parametrize("said", ["soon", "-1", "", "Wed, 99 Foo 2026"])
def test_a_wait_that_makes_no_sense_is_none(said: str) -> None:
    assert classed(http(503, headers={"Retry-After": said})).retry_after is None


def test_a_wait_has_an_end() -> None:
    assert classed(http(503, headers={"Retry-After": "9" * 300})).retry_after == timedelta(days=1)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "Slow down"}}, "HTTP 500: Slow down."),
        ({"Error": {"Message": "Slow down."}}, "HTTP 500: Slow down."),
        ({"message": "Slow\n  down"}, "HTTP 500: Slow down."),
        ({"error": "Slow down"}, "HTTP 500: Slow down."),
        ("Slow down", "HTTP 500: Slow down."),
        ({"error": {"message": ""}}, "HTTP 500."),
        (None, "HTTP 500."),
        ([1, 2], "HTTP 500."),
    ],
)
def test_what_a_provider_said_is_found_in_its_answer(body: object, said: str) -> None:
    assert str(classed(http(500, body))) == said


def test_a_page_of_html_is_cut() -> None:
    assert len(str(classed(http(502, "<html>" + "x" * 10_000)))) < 600


def test_half_a_character_in_an_answer_breaks_nothing() -> None:
    str(classed(http(500, {"message": "\ud83d"}))).encode()


def test_a_model_that_might_have_been_meant_is_named() -> None:
    error = wire.ModelHTTPError(404, "gtp-5", {"message": "No such model"}, suggested_model_id="openai:gpt-5")
    assert "Did you mean 'openai:gpt-5'?" in str(classed(error))


@pytest.mark.parametrize(
    ("came", "kind"),
    [
        (response(TextPart("So"), state="incomplete"), RETRY),
        (response(TextPart("So"), finish_reason=None), RETRY),
        (response(finish_reason="error"), RETRY),
        (response(), RETRY),
        (response(TextPart(" \n")), RETRY),
        (response(ThinkingPart("Hmm.")), RETRY),
        (response(finish_reason="content_filter"), FALL_BACK),
        (response(ThinkingPart("Hmm."), finish_reason="length"), FALL_BACK),
    ],
)
def test_what_is_no_reply_is_an_error(came: ModelResponse, kind: ModelErrorKind) -> None:
    with pytest.raises(ModelError) as raised:
        check(came, ASKED)
    assert raised.value.kind is kind


@pytest.mark.parametrize(
    "came",
    [
        response(TextPart("Yes.")),
        response(ToolCallPart("look"), finish_reason="tool_call"),
        response(TextPart("Ye"), finish_reason="length"),
        response(TextPart("Ye"), finish_reason="content_filter"),
        response(TextPart("Ye"), finish_reason=None, provider_details={"finish_reason": "a new one"}),
    ],
)
def test_what_says_something_is_a_reply(came: ModelResponse) -> None:
    check(came, ASKED)


def test_after_a_tool_nothing_more_need_be_said() -> None:
    check(response(), (*ASKED, Message.tool(ToolResult(tool_call_id="1"))))
