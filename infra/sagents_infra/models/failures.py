"""Errors of model calls, classed once: try again, ask another model, or give up and say why."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import httpx2
from pydantic import ValidationError
from pydantic_ai import exceptions as wire
from pydantic_ai.messages import ModelResponse, ModelResponsePart, TextPart, ThinkingPart

from sagents.errors import ModelError, ModelErrorKind
from sagents.messages import Message, Role
from sagents_infra.models.replies import clean

_AGAIN: tuple[type[Exception], ...] = (
    wire.ModelRateLimitError,
    wire.ModelUnavailableError,  # overload too
    wire.ModelServerError,
    wire.ModelConnectionError,  # refused, reset, broken in the middle, timed out
    wire.ModelRequestTimeout,
    wire.UnexpectedModelBehavior,  # garbage; another throw of the dice may come out well
    httpx2.TransportError,
    httpx2.StreamError,
    ConnectionError,
    TimeoutError,
    ValidationError,  # a piece of a stream that is not what it claims to be
    UnicodeDecodeError,
)
_AGAIN_STATUS = (408, 409, 425)
_AGAIN_MODULES = ("httpx", "httpcore", "h11", "urllib3", "aiohttp", "botocore.parsers", "botocore.eventstream")
"""Whose errors reach us bare, from SDKs that wrap only the beginning of a stream."""

# Refused as it is, so sending it again cannot help: no such model, a bad key, an empty account, too long, against a
# policy, an image or a schema this model cannot take. Another model has its own key, account, window, policy and
# abilities. Where an agent names no other one, its run fails with what is said here.
_ELSEWHERE: tuple[type[Exception], ...] = (
    wire.ContentFilterError,
    wire.ModelQuotaExceededError,
    wire.ModelRequestRejectedError,
)
_NO_CREDENTIALS = (
    "CredentialRetrievalError",
    "DefaultCredentialsError",
    "NoCredentialsError",
    "PartialCredentialsError",
)

_ADVICE: tuple[tuple[type[Exception], str], ...] = (
    (wire.ModelContextWindowExceededError, "The conversation is longer than this model can read; summarize it."),
    (wire.ModelAuthenticationError, "Check the credentials in the worker's environment."),
    (wire.ModelNotFoundError, "Check the model's name, and that the account may use it."),
    (wire.ModelQuotaExceededError, "The account's quota or credit is used up."),
)
_LONGEST = timedelta(days=1)


def classed(error: Exception) -> ModelError:
    """Any error of a model call as a `ModelError`."""
    advice = next((text for kind, text in _ADVICE if isinstance(error, kind)), "")
    if type(error).__name__ in _NO_CREDENTIALS:
        advice = "Give the worker credentials: a key in its environment, a profile or a role."
    said = f"{_said(error).rstrip('.')}. {advice}".strip()
    return ModelError(clean(said), _kind(error), _retry_after(error))


def check(response: ModelResponse, asked: Sequence[Message]) -> None:
    """Raise `ModelError` where a stream ended without an error and what came is no reply all the same."""
    ended = response.finish_reason or "finish_reason" in (response.provider_details or {})
    if response.state != "complete" or not ended:
        raise ModelError("The stream broke off before the reply was complete.", ModelErrorKind.RETRY)
    if response.finish_reason == "error":
        raise ModelError("The provider gave up in the middle of the reply.", ModelErrorKind.RETRY)
    if any(_says_something(part) for part in response.parts):
        return
    if response.finish_reason == "content_filter":
        raise ModelError("The provider's content policy held the reply back.", ModelErrorKind.FALL_BACK)
    if response.finish_reason == "length":
        raise ModelError("The tokens were used up before the reply began; raise max_tokens.", ModelErrorKind.FALL_BACK)
    # After a tool's result, silence is an answer: nothing to add. After a question it is a hiccup.
    if not asked or asked[-1].role is not Role.TOOL:
        raise ModelError("The reply has neither text nor tool calls.", ModelErrorKind.RETRY)


def _says_something(part: ModelResponsePart) -> bool:
    """Whether a part is for somebody; a thought is not."""
    return bool(part.content.strip()) if isinstance(part, TextPart) else not isinstance(part, ThinkingPart)


def _kind(error: Exception) -> ModelErrorKind:
    """FAIL is left for what no model of the agent can help against: a worker that is not configured."""
    if type(error).__name__ in _NO_CREDENTIALS:
        return ModelErrorKind.FAIL
    wanted = error.provider_retry_hint if isinstance(error, wire.ModelHTTPError) else None
    if wanted is not None:
        return ModelErrorKind.RETRY if wanted else ModelErrorKind.FALL_BACK
    return ModelErrorKind.RETRY if _is_passing(error) else ModelErrorKind.FALL_BACK


def _is_passing(error: Exception) -> bool:
    if isinstance(error, _ELSEWHERE):
        return False
    if isinstance(error, _AGAIN) or type(error).__module__.startswith(_AGAIN_MODULES):
        return True
    if isinstance(error, wire.ModelHTTPError):
        return error.status_code in _AGAIN_STATUS
    return isinstance(error, wire.ModelAPIError)  # an answer that nobody can read


def _retry_after(error: Exception) -> timedelta | None:
    """How long the provider asked to wait: `Retry-After` in seconds or as a date, or in its own words."""
    seconds = error.retry_after if isinstance(error, wire.ModelAPIError) else None
    return None if seconds is None else timedelta(seconds=min(seconds, _LONGEST.total_seconds()))


def _said(error: Exception) -> str:
    """What the provider said, in one short line; a body may be a whole page of HTML."""
    if isinstance(error, wire.ModelHTTPError):
        guess = error.suggested_model_id and f"Did you mean {error.suggested_model_id!r}?"
        said = " ".join(filter(None, (_message_in(error.body), guess, error.hint)))
        return f"HTTP {error.status_code}: {_line(said)}" if said else f"HTTP {error.status_code}"
    said = _line(str(error)) or type(error).__name__
    return said if isinstance(error, wire.AgentRunError) else f"{type(error).__name__}: {said}"


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()[:500]


def _message_in(body: object) -> str | None:
    """The message in an error's body: each provider hides it elsewhere."""
    if not isinstance(body, Mapping):
        return body if isinstance(body, str) else None
    said = (_message_in(body.get(key)) for key in ("error", "Error", "message", "Message", "detail"))
    return next(filter(None, said), None)
