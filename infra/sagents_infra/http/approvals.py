"""Approval links: decisions of people who have nothing but the address that was sent to them.

GET shows and decides nothing, however often mail programs open it; POST decides, confirmed by its own form. Browsers
get pages, programs that ask for JSON get it; so do problems.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import structlog
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.event_handler.request import Request

from sagents import errors
from sagents_infra.http import problems
from sagents_infra.http.approval_form import FORM, UNCONFIRMED, check_digest, decision_of, sent
from sagents_infra.http.approval_page import outcome_page, problem_page, waiting_page
from sagents_infra.http.approval_style import HEADERS
from sagents_infra.http.models_approvals import ApprovalShown
from sagents_infra.http.models_interrupts import Decided
from sagents_infra.http.office import Office
from sagents_infra.http.problems import PROBLEMS, STALE, Problem, Refusal
from sagents_infra.http.resolver import CURRENT
from sagents_infra.http.routing import new_router, unguarded
from sagents_infra.links.deciding import LinkDesk, Looked
from sagents_infra.links.errors import LinkExpired, LinkForged, LinkRevoked, LinkUsed
from sagents_infra.links.outcome import LinkOutcome

log = structlog.get_logger(__name__)
router = new_router()
TAGS = ["approvals"]
Token = Annotated[str, Path(description="What the link ends with.")]
KINDS = (
    PROBLEMS[LinkForged], PROBLEMS[LinkExpired], PROBLEMS[LinkRevoked], PROBLEMS[errors.Forbidden],
    PROBLEMS[errors.InterruptGone], STALE, problems.TOO_MANY, problems.AWAY, problems.MALFORMED, problems.TOO_LARGE,
)  # fmt: skip
TAKEN = (
    PROBLEMS[LinkUsed], PROBLEMS[errors.DecisionConflict], PROBLEMS[errors.InvalidDecision], UNCONFIRMED,
    problems.UNSUPPORTED, problems.INVALID,
)  # fmt: skip
AGAIN = (UNCONFIRMED, problems.INVALID, PROBLEMS[errors.InvalidDecision])
"""What a person mends in the form."""


@dataclass(frozen=True)
class Asked:
    """One request with a link."""

    token: str
    office: Office
    buckets: Any
    event: Any
    typed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, token: str, request: Request) -> "Asked":
        return cls(token, request.context["office"], request.context["buckets"], CURRENT.get().event)

    @property
    def content_type(self) -> str:
        return str(self.event.headers.get("content-type") or "")

    @property
    def wants_json(self) -> bool:
        accept = str(self.event.headers.get("accept") or "")
        sends_json = self.event.http_method == "POST" and not self.content_type.startswith(FORM)
        return "text/html" not in accept and ("json" in accept or sends_json)

    @property
    def links(self) -> LinkDesk:
        outside: Any = self.office.desk.outside  # the wiring's, which has links' rows, too
        return LinkDesk(self.office.desk.server, outside.signer, outside.links)

    def admit(self) -> None:
        """Nobody has said who they are yet; so it is counted from where they ask."""
        where = (self.event.raw_event.get("requestContext", {}).get("http") or {}).get("sourceIp", "")
        self.buckets.take(f"links from {where}")


@router.get(
    "/approvals/<token>",
    summary="What an approval link is about",
    description="A page, or JSON where only that is accepted. It decides nothing.",
    tags=TAGS,
    operation_id="show_approval",
    responses=unguarded(200, ApprovalShown, "What waits, or what became of it", *KINDS),
)
def show(token: Token, request: Request) -> Response[str]:
    return _answered(Asked.of(token, request), _shown)


@router.post(
    "/approvals/<token>",
    summary="Decide by an approval link",
    description="By the page's form, or by JSON. The same decision again gets the same answer.",
    tags=TAGS,
    operation_id="decide_by_link",
    responses=unguarded(200, Decided, "Where it stands", *KINDS, *TAKEN),
)
def decide(token: Token, request: Request) -> Response[str]:
    return _answered(Asked.of(token, request), _decided)


def _answered(asked: Asked, work: Callable[[Asked], Response[str]]) -> Response[str]:
    try:
        asked.admit()
        return work(asked)
    except (errors.SagentsError, Refusal) as error:
        return _problem(asked, error)


def _shown(asked: Asked) -> Response[str]:
    looked = asked.office.run(asked.links.look(asked.token))
    if asked.wants_json:
        return _json(ApprovalShown.of(looked).model_dump_json(exclude_none=True))
    return _page(200, _page_of(looked, {}))


def _decided(asked: Asked) -> Response[str]:
    given = sent(asked.event.decoded_body or "", asked.content_type)
    of_form = asked.content_type.startswith(FORM)
    asked.typed.update({name: value for name, value in given.items() if isinstance(value, str)} if of_form else {})
    links = asked.links
    link = asked.office.run(links.believed(asked.token))
    check_digest(given, link.digest)
    answer = asked.office.run(links.decide(asked.token, decision_of(given, of_form=of_form)))
    if asked.wants_json:
        return _json(Decided.of(answer).model_dump_json(exclude_none=True))
    mine = answer.by in (None, link.subject)
    outcome = LinkOutcome(status=answer.status, by=answer.by, at=answer.at, decision=str(given["type"]), mine=mine)
    return _page(200, outcome_page(outcome, (answer.approvals, answer.required)))


def _problem(asked: Asked, error: Exception) -> Response[str]:
    kind = error.kind if isinstance(error, Refusal) else problems.kind_of(error)
    if kind.status >= 500:
        log.warning("a link could not be answered", error=type(error).__name__, why=str(error))
    own = error.headers if isinstance(error, Refusal) else {}
    headers = {**HEADERS, **kind.headers, **own}
    problem = problems.problem_of(error)
    if asked.wants_json:
        return problems.answer(problem, headers)
    if kind in AGAIN and (page := _again(asked, problem)):
        return _page(problem.status, page, headers)
    return _page(problem.status, problem_page(problem.title, problem.detail), headers)


def _again(asked: Asked, problem: Problem) -> str | None:
    """The form once more, with what was typed and what is wrong with it; None where that is gone meanwhile."""
    try:
        looked = asked.office.run(asked.links.look(asked.token))
    except (errors.SagentsError, Refusal):
        return None
    return _page_of(looked, asked.typed, f"{problem.title}. {problem.detail}")


def _page_of(looked: Looked, given: Mapping[str, str], problem: str = "") -> str:
    if looked.outcome is not None or looked.item is None:
        return outcome_page(looked.outcome or LinkOutcome())
    return waiting_page(looked.link, looked.item, given, problem)


def _page(status: int, page: str, headers: Mapping[str, str] = HEADERS) -> Response[str]:
    return Response(status, "text/html; charset=utf-8", page, headers=dict(headers))


def _json(body: str) -> Response[str]:
    return Response(200, "application/json", body, headers=dict(HEADERS))
