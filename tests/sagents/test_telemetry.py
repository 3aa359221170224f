"""Telemetry handlers hear what they asked for, and can harm nobody."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from sagents import telemetry
from sagents.errors import InvalidInput
from sagents.telemetry import AGENT_START, AGENT_STOP, EXECUTION_STOP, LLM_RESPONSE, EventName

Heard = tuple[EventName, dict[str, Any], dict[str, Any], Any]


@pytest.fixture(autouse=True)
def _nobody_stays() -> Iterator[None]:
    yield
    for handler_id in list(telemetry._attached):
        telemetry.detach(handler_id)


@pytest.fixture
def heard() -> list[Heard]:
    return []


@pytest.fixture
def ear(heard: list[Heard]) -> telemetry.Handler:
    def hear(*what: Any) -> None:
        heard.append(cast(Heard, what))

    return hear


def happens(event: EventName = AGENT_START, **metadata: Any) -> None:
    telemetry.execute(event, {"count": 1}, metadata)


def test_the_nine_names_are_the_documents() -> None:
    """L-67."""
    nine = [
        *[("sagents", "agent", what) for what in ("start", "stop", "crash")],
        *[("sagents", "execution", what) for what in ("start", "stop", "interrupt")],
        *[("sagents", "llm", what) for what in ("request", "response", "error")],
    ]
    assert set(nine) <= set(telemetry.EVENTS)


def test_the_names_of_the_references_code_are_there_too() -> None:
    """L-68."""
    code = [
        ("sagents", "middleware", "message", "received"),
        *[("sagents", "middleware", "task", what) for what in ("spawned", "completed", "failed")],
        ("sagents", "agent", "halt"),
    ]
    assert set(code) <= set(telemetry.EVENTS)
    ours = [("sagents", "tool", what) for what in ("start", "stop")]
    assert set(ours) <= set(telemetry.EVENTS)
    assert len(telemetry.EVENTS) == len(set(telemetry.EVENTS)) == 9 + len(code) + len(ours)


def test_one_handler_hears_the_events_it_attached_to_and_no_other(ear: telemetry.Handler, heard: list[Heard]) -> None:
    """L-67: (event, measurements, metadata, config)."""
    telemetry.attach_many("mine", [AGENT_START, AGENT_STOP, ["sagents", "execution", "stop"]], ear, {"prefix": "x"})
    telemetry.execute(AGENT_START, {"count": 1, "system_time": 7.5}, {"agent_id": "a"})
    happens(LLM_RESPONSE)
    telemetry.execute(EXECUTION_STOP, {"duration_ms": 3}, {"agent_id": "a", "status": "idle"})
    assert heard == [
        (AGENT_START, {"count": 1, "system_time": 7.5}, {"agent_id": "a"}, {"prefix": "x"}),
        (EXECUTION_STOP, {"duration_ms": 3}, {"agent_id": "a", "status": "idle"}, {"prefix": "x"}),
    ]


def test_several_handlers_hear_an_event_in_the_order_in_which_they_attached() -> None:
    order = list[str]()
    for name in "cab":
        telemetry.attach(name, AGENT_START, lambda *what: order.append(what[3]), name)
    happens()
    assert order == ["c", "a", "b"]


def test_an_id_is_taken_once_and_free_again_after_it_is_detached(ear: telemetry.Handler, heard: list[Heard]) -> None:
    """L-67: handler ids are unique."""
    telemetry.attach("mine", AGENT_START, ear, 1)
    with pytest.raises(InvalidInput, match="'mine' already"):
        telemetry.attach("mine", AGENT_STOP, ear, 2)
    happens(AGENT_STOP)
    assert telemetry.detach("mine")
    happens()
    assert heard == []
    telemetry.attach("mine", AGENT_START, ear, 3)
    happens()
    assert [config for *_, config in heard] == [3]


def test_detaching_nobody_is_no_error() -> None:
    assert not telemetry.detach("nobody")


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("duration_ms"), asyncio.CancelledError()], ids=repr)
def test_a_handler_that_raises_is_detached_and_logged_and_fails_nothing(
    error: BaseException, ear: telemetry.Handler, heard: list[Heard], caplog: pytest.LogCaptureFixture
) -> None:
    """L-68."""
    calls = list[int]()

    def fail(*_: Any) -> None:
        calls.append(1)
        raise error

    telemetry.attach("first", AGENT_START, ear)
    telemetry.attach_many("bad", [AGENT_START, AGENT_STOP], fail)
    telemetry.attach("last", AGENT_START, ear)
    with caplog.at_level(logging.ERROR, "sagents"):
        happens()
        happens()
        happens(AGENT_STOP)
    assert len(calls) == 1
    assert len(heard) == 4
    (line,) = caplog.records
    assert (line.name, line.getMessage()) == (
        "sagents",
        "telemetry handler 'bad' raised at sagents.agent.start and was detached",
    )
    assert line.exc_info is not None
    assert line.exc_info[1] is error


def test_a_handler_that_spoils_its_arguments_spoils_them_for_itself(ear: telemetry.Handler, heard: list[Heard]) -> None:
    def spoil(_: EventName, measurements: dict[str, Any], metadata: dict[str, Any], __: Any) -> None:
        measurements.clear()
        metadata.clear()

    measurements, metadata = {"count": 1}, {"agent_id": "a"}
    telemetry.attach("bad", AGENT_START, spoil)
    telemetry.attach("good", AGENT_START, ear)
    telemetry.execute(AGENT_START, measurements, metadata)
    assert heard == [(AGENT_START, {"count": 1}, {"agent_id": "a"}, None)]
    assert (measurements, metadata) == ({"count": 1}, {"agent_id": "a"})


def test_a_handler_may_detach_itself_and_attach_others(ear: telemetry.Handler, heard: list[Heard]) -> None:
    def once(*_: Any) -> None:
        telemetry.detach("once")
        telemetry.attach("next", AGENT_START, ear)

    telemetry.attach("once", AGENT_START, once)
    happens()
    assert heard == []
    happens()
    assert len(heard) == 1


def test_a_raising_handler_takes_no_other_along_that_has_its_id_since(
    ear: telemetry.Handler, heard: list[Heard]
) -> None:
    def replace_and_fail(*_: Any) -> None:
        telemetry.detach("mine")
        telemetry.attach("mine", AGENT_START, ear)
        raise ValueError("too late")

    telemetry.attach("mine", AGENT_START, replace_and_fail)
    happens()
    happens()
    assert len(heard) == 1


@pytest.mark.parametrize("event", [("sagents", "agent", "strat"), ("agent", "start"), "sagents.agent.start", ()])
def test_an_event_that_does_not_exist_is_refused_with_those_that_do(event: Any, ear: telemetry.Handler) -> None:
    with pytest.raises(InvalidInput, match=r"There are: sagents\.agent\.start, "):
        telemetry.attach_many("mine", [AGENT_STOP, event], ear)
    assert not telemetry.detach("mine")


async def never_awaited(*_: Any) -> None: ...


@pytest.mark.parametrize("handler", [never_awaited, "measure", None])
def test_what_cannot_be_called_plainly_is_refused(handler: Any) -> None:
    with pytest.raises(InvalidInput, match="plain function"):
        telemetry.attach("mine", AGENT_START, handler)


def test_threads_attach_detach_and_execute_at_once() -> None:
    """Tools run in threads, beside the loop of the worker."""
    counts = dict.fromkeys(range(8), 0)
    start = threading.Barrier(8)

    def count(_: EventName, __: Any, ___: Any, n: int) -> None:
        counts[n] += 1

    def work(n: int) -> None:
        start.wait()
        for _ in range(200):
            telemetry.attach(f"mine-{n}", AGENT_START, count, n)
            happens()
            assert telemetry.detach(f"mine-{n}")

    failures = at_once([lambda n=n: work(n) for n in counts])  # type: ignore[misc]
    assert failures == []
    assert min(counts.values()) >= 200
    assert not telemetry._attached


def test_of_threads_that_want_one_id_one_gets_it(ear: telemetry.Handler) -> None:
    refused = at_once([lambda: telemetry.attach("mine", AGENT_START, ear)] * 16)
    assert [type(error) for error in refused] == [InvalidInput] * 15


def at_once(works: list[Callable[[], None]]) -> list[BaseException]:
    """Run each in a thread of its own; what they raised."""
    raised = list[BaseException]()

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
