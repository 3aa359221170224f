"""Every error has its problem document."""

import inspect

import pytest

from sagents import app_loading, errors, mistakes
from sagents_infra.http import problems
from sagents_infra.http.problems import BUG, PROBLEMS, TYPES, Kind, Refusal, kind_of, problem_of

PUBLIC = sorted(
    {
        kind
        for module in (errors, app_loading, mistakes)
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, errors.SagentsError) and kind is not errors.SagentsError
    },
    key=lambda kind: kind.__name__,
)
KINDS = [kind for kind in (*vars(problems).values(), *PROBLEMS.values()) if isinstance(kind, Kind)]


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_every_public_error_is_in_the_table_or_made_of_one_that_is(kind: type[errors.SagentsError]) -> None:
    assert any(one in PROBLEMS for one in kind.__mro__)


def test_a_type_has_one_status_and_one_title() -> None:
    by_slug: dict[str, set[tuple[int, str]]] = {}
    for kind in KINDS:
        by_slug.setdefault(kind.slug, set()).add((kind.status, kind.title))
    assert {slug: those for slug, those in by_slug.items() if len(those) > 1} == {}


def test_an_unreachable_temporal_is_never_a_missing_conversation() -> None:
    away = kind_of(errors.CannotAnswer("x"))
    assert (away.status, away.slug) == (503, "unavailable")
    assert int(away.headers["Retry-After"]) > 0
    assert kind_of(errors.StoreUnavailable("x")).status == 503
    assert kind_of(errors.AgentNotFound("x")).status == 404


def test_a_refused_decision_says_where_it_does_not_fit() -> None:
    problem = problem_of(errors.InvalidDecision("a", "interrupted", "too much", "int_1", "/arguments/amount"))
    assert (problem.type, problem.status) == (f"{TYPES}invalid-decision", 422)
    assert (problem.interrupt_id, problem.agent_status) == ("int_1", "interrupted")
    assert problem.errors
    assert problem.errors[0].pointer == "/arguments/amount"


def test_a_missing_and_a_foreign_conversation_read_alike() -> None:
    missing, foreign = problem_of(errors.AgentNotFound("x")), problem_of(Refusal(problems.NO_CONVERSATION))
    assert missing == foreign


def test_what_is_none_of_ours_is_a_bug() -> None:
    assert kind_of(KeyError("x")) is BUG
    assert "secret" not in problem_of(KeyError("secret")).detail
