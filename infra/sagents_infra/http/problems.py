"""What went wrong, as problem documents (RFC 9457). One table says which error of ours becomes which.

`type` is stable: programs tell problems apart by it. `detail` is for people and may change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from sagents import errors
from sagents.app_loading import AppNotFound
from sagents.mistakes import InvalidArguments
from sagents_infra.links.errors import LinkExpired, LinkForged, LinkRefused, LinkRevoked, LinkUsed

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import Response

CONTENT_TYPE = "application/problem+json"
TYPES = "urn:sagents:problem:"
RETRY_AFTER = 2
"""Seconds after which what was out of reach may be tried again."""


@dataclass(frozen=True)
class Kind:
    """One type of problem. `detail` stands in the place of an error's own words where those are not for users."""

    slug: str
    status: int
    title: str
    detail: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(RETRY_AFTER)} if self.status == 503 else {}


@dataclass
class Refusal(Exception):
    """The door itself refuses a request; nothing behind it was asked."""

    kind: Kind
    detail: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail or self.kind.title


class Mistake(BaseModel):
    """One thing in a request that does not fit."""

    model_config = ConfigDict(defer_build=True)

    pointer: str = Field(description="Where: a JSON pointer (RFC 6901) into the body, or a parameter's name.")
    detail: str


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(
        defer_build=True,
        json_schema_extra={
            "example": {
                "type": "urn:sagents:problem:conversation-not-found",
                "title": "No such conversation",
                "status": 404,
                "detail": "There is no such conversation; POST /conversations starts one.",
            }
        },
    )

    type: str
    title: str
    status: int
    detail: str = ""
    interrupt_id: str | None = None
    agent_status: str | None = Field(default=None, description="What the agent was doing, where that is why.")
    errors: list[Mistake] | None = None


MALFORMED = Kind("malformed-body", 400, "The body cannot be read")
UNAUTHENTICATED = Kind("unauthenticated", 401, "Nobody has said who you are", "A valid bearer token is needed.")
MISSING_SCOPE = Kind("missing-scope", 403, "The token lacks a scope")
UNUSABLE_IDENTITY = Kind("unusable-identity", 403, "The identity cannot be used here")
FOREIGN_ORIGIN = Kind("foreign-origin", 403, "Requests of other sites are refused")
NO_CONVERSATION = Kind(
    "conversation-not-found",
    404,
    "No such conversation",
    "There is no such conversation; POST /conversations starts one.",
)
NO_INTERRUPT = Kind("interrupt-not-found", 404, "No such interrupt", "Nothing waits under this id, or not for you.")
NO_ROUTE = Kind("route-not-found", 404, "No such address", "GET /openapi.json lists what there is.")
STALE = Kind("precondition-failed", 412, "The call is not the one that you saw")
TOO_LARGE = Kind("too-large", 413, "The request is too large")
UNSUPPORTED = Kind("unsupported-media-type", 415, "Only JSON is read", "Send Content-Type: application/json.")
INVALID = Kind("invalid-request", 422, "The request does not fit")
TOO_MANY = Kind("rate-limited", 429, "Too many requests")
BUG = Kind("internal-error", 500, "A bug of ours", "It was logged; the request id of the response names it.")
AWAY = Kind("unavailable", 503, "Out of reach for now", "Try again; this says nothing about the conversation.")
UNKNOWN_AGENTS = Kind("agents-unknown", 503, "Nobody told this door which agents there are")

_NOT_NOW = "not-possible-now"

PROBLEMS: dict[type[errors.SagentsError], Kind] = {
    errors.InvalidAgent: BUG,
    errors.InvalidState: Kind("invalid-state", 422, "This is no exported state"),
    errors.InvalidInput: INVALID,
    errors.MessageRefused: Kind("message-refused", 422, "The message was not let through"),
    errors.AgentError: BUG,
    errors.AgentNotFound: NO_CONVERSATION,
    errors.AgentNotRegistered: Kind("agent-not-registered", 422, "No agent has this name"),
    errors.PreprocessorFailed: Kind("preprocessor-failed", 502, "What reads messages first has failed", "Not sent."),
    errors.NotPossible: Kind(_NOT_NOW, 409, "The agent's status does not allow it"),
    errors.CannotCancel: Kind("cannot-cancel", 409, "Nothing runs that could be cancelled"),
    errors.CannotExecute: Kind("cannot-execute", 409, "The agent is not idle"),
    errors.CannotDismiss: Kind("cannot-dismiss", 409, "What waits wants an answer"),
    errors.CannotRestore: Kind("cannot-restore", 409, "A run is under way"),
    errors.CannotResume: Kind("cannot-resume", 409, "Nothing waits that these decisions fit"),
    errors.DecisionRefused: Kind("decision-refused", 409, "The decision was not taken"),
    errors.DecisionConflict: Kind("decision-conflict", 409, "Somebody decided otherwise before"),
    errors.InterruptGone: Kind("interrupt-gone", 410, "It waits no longer"),
    errors.InterruptUnknown: NO_INTERRUPT,
    errors.DigestMismatch: STALE,
    errors.InvalidDecision: Kind("invalid-decision", 422, "The decision does not fit"),
    errors.Forbidden: Kind("forbidden", 403, "You may not decide this"),
    errors.AgentBusy: Kind("agent-busy", 409, "The agent takes no message now"),
    errors.Fresh: Kind("fresh", 409, "It was active a moment ago"),
    errors.FileProblem: Kind("file-problem", 422, "What was asked of files cannot be"),
    errors.FileMissing: Kind("file-not-found", 404, "No such file"),
    errors.FileTaken: Kind("file-taken", 409, "There is such a file already"),
    errors.FileChanged: Kind("file-changed", 412, "Somebody else has written the file"),
    errors.FileRefused: Kind("file-refused", 422, "Files like this are not allowed"),
    AppNotFound: UNKNOWN_AGENTS,
    errors.CannotAnswer: AWAY,
    errors.StoreError: AWAY,
    errors.Superseded: AWAY,
    errors.Damaged: Kind("damaged", 500, "What is stored cannot be trusted", "An operator has to look at the store."),
    errors.StateUnavailable: AWAY,
    errors.NotHere: AWAY,
    LinkRefused: Kind("link-refused", 403, "This link decides nothing"),
    LinkForged: Kind("link-invalid", 404, "This link is not ours"),
    LinkExpired: Kind("link-expired", 410, "This link has expired"),
    LinkRevoked: Kind("link-revoked", 410, "This link was taken back"),
    LinkUsed: Kind("link-used", 409, "This link was used before"),
    InvalidArguments: Kind("invalid-arguments", 422, "The arguments do not fit the tool"),
    errors.ModelError: Kind("model-failed", 502, "The model did not answer"),
    errors.ToolServerFailed: Kind("tool-server-failed", 502, "A server of tools did not answer"),
    errors.RunFailed: Kind("run-failed", 500, "The run did not finish"),
}
"""By the error; one that is not here is what it derives from."""


def kind_of(error: Exception) -> Kind:
    """The type of problem that an error is; `BUG` for what is none of ours."""
    return next((PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS), BUG)


def problem_of(error: Exception) -> Problem:
    """The document about an error. What a bug says of itself stays in the log."""
    if isinstance(error, Refusal):
        return made(error.kind, error.detail)
    kind = kind_of(error)
    pointer = getattr(error, "pointer", "")
    return made(
        kind,
        kind.detail or str(error),
        interrupt_id=getattr(error, "interrupt_id", None) or None,
        agent_status=getattr(error, "status", None) or None,
        errors=[Mistake(pointer=pointer, detail=str(error))] if pointer else None,
    )


def made(kind: Kind, detail: str = "", **more: Any) -> Problem:
    """A document of this kind."""
    return Problem(type=TYPES + kind.slug, title=kind.title, status=kind.status, detail=detail or kind.detail, **more)


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[str]:
    """The response that carries it."""
    from aws_lambda_powertools.event_handler import Response  # the doors that only refuse do without

    return Response(
        status_code=problem.status,
        content_type=CONTENT_TYPE,
        body=problem.model_dump_json(exclude_none=True),
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def gateway_answer(error: Refusal | errors.SagentsError) -> dict[str, Any]:
    """The same for API Gateway, of a request that comes to no route."""
    own = error.headers if isinstance(error, Refusal) else kind_of(error).headers
    response = answer(problem_of(error), own)
    return {"statusCode": response.status_code, "headers": dict(response.headers), "body": response.body}


def too_large(most: int) -> Refusal:
    return Refusal(TOO_LARGE, f"A body may have {most:,} bytes.")
