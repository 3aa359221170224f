"""Lifecycles: timedeltas for people, milliseconds for the wire."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from sagents import AutoSave, InvalidInput, Lifecycle, Presence, WhileInterrupted, WhileRunning
from sagents.limits import Limits
from sagents_infra.settings import Settings

FULL = Lifecycle(
    inactivity_timeout=timedelta(hours=1),
    grace_period=timedelta(0),
    stop_patience=timedelta(0),
    auto_save=AutoSave(saver="crm", interval=timedelta(seconds=5), on_idle=False),
    presence=Presence(enabled=True, topic="conversation:1", viewers_block_inactivity=False),
    while_running=WhileRunning.STEER,
    while_interrupted=WhileInterrupted.REJECT,
)
FULL_WIRE = {
    "inactivity_timeout_ms": 3_600_000,
    "grace_period_ms": 0,
    "stop_patience_ms": 0,
    "auto_save": {"saver": "crm", "interval_ms": 5_000, "on_idle": False},
    "presence": {"enabled": True, "topic": "conversation:1", "viewers_block_inactivity": False},
    "while_running": "steer",
    "while_interrupted": "reject",
}


def test_a_stop_gives_the_run_under_way_25_seconds_unless_told_otherwise() -> None:
    """L-42: in the worker's settings, its limits and, where it says so, the agent's lifecycle."""
    assert Lifecycle().stop_patience is None
    assert Limits().stop_patience == Settings().stop_patience == timedelta(seconds=25)


def test_agent_leaves_after_five_minutes_unless_told_otherwise() -> None:
    """L-18."""
    lifecycle = Lifecycle()
    assert (lifecycle.inactivity_timeout, lifecycle.grace_period) == (timedelta(minutes=5), timedelta(seconds=5))
    assert (lifecycle.auto_save, lifecycle.presence.enabled) == (None, False)
    assert AutoSave() == AutoSave(saver=None, interval=timedelta(seconds=60), on_idle=True)
    assert (lifecycle.while_running, lifecycle.while_interrupted) == ("enqueue", "supersede")


@pytest.mark.parametrize("number", [300_000, 1.5, 0])
@pytest.mark.parametrize("option", ["inactivity_timeout", "grace_period"])
def test_number_without_a_unit_is_an_error_that_names_the_unit(option: str, number: float) -> None:
    """L-18: 300_000 means milliseconds to people and seconds to pydantic."""
    with pytest.raises(ValidationError) as error:
        Lifecycle(**{option: number})  # type: ignore[arg-type]
    assert f"write timedelta(milliseconds={number})" in str(error.value)


@pytest.mark.parametrize(
    "options",
    [
        {"inactivity_timeout": "PT5M"},
        {"inactivity_timeout": True},
        {"inactivity_timeout": timedelta(0)},
        {"inactivity_timeout": timedelta(microseconds=1)},
        {"inactivity_timeout": timedelta(days=4000)},
        {"grace_period": timedelta(seconds=-1)},
        {"grace_period": None},
        {"while_running": "steeer"},
        {"presence": {"enabled": "yes"}},
        {"auto_save": {"interval": 5}},
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Lifecycle(**options)


def test_misspelt_option_is_refused() -> None:
    with pytest.raises(ValidationError, match="inactivty_timeout"):
        Lifecycle(inactivty_timeout=None)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("lifecycle", "wire"),
    [
        (Lifecycle(), {}),
        (FULL, FULL_WIRE),
        (Lifecycle(inactivity_timeout=None, auto_save=AutoSave()), {"inactivity_timeout_ms": None, "auto_save": {}}),
    ],
)
def test_lifecycle_travels_as_milliseconds_and_comes_back(lifecycle: Lifecycle, wire: dict[str, Any]) -> None:
    assert lifecycle.wire() == wire
    assert Lifecycle.from_wire(wire) == lifecycle


@pytest.mark.parametrize("never", [None, "infinity"])
def test_null_and_infinity_both_mean_never(never: Any) -> None:
    """L-19."""
    assert Lifecycle.from_wire({"inactivity_timeout_ms": never}).inactivity_timeout is None


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"inactivity_timeout": 300_000}, "write inactivity_timeout_ms"),
        ({"inactivity_timeout_ms": "300000"}, "whole number of milliseconds"),
        ({"inactivity_timeout_ms": 1.5}, "whole number of milliseconds"),
        ({"inactivity_timeout_ms": True}, "whole number of milliseconds"),
        ({"inactivity_timeout_ms": -1}, "whole number of milliseconds"),
        ({"inactivity_timeout_ms": 10**30}, "whole number of milliseconds"),
        ({"inactivity_timeout_ms": 0}, "lifecycle.inactivity_timeout"),
        ({"grace_period_ms": None}, "lifecycle.grace_period"),
        ({"stop_patience_ms": "infinity"}, "lifecycle.stop_patience_ms"),
        ({"auto_save": {"interval_ms": "x"}}, "lifecycle.auto_save.interval_ms"),
        ({"auto_save": "crm"}, "lifecycle.auto_save is an object"),
        ({"presence": {"topic": 7}}, "lifecycle.presence.topic"),
        ([], "lifecycle is an object"),
    ],
)
def test_wire_form_that_does_not_fit_names_its_field(payload: Any, told: str) -> None:
    with pytest.raises(InvalidInput) as error:
        Lifecycle.from_wire(payload)
    assert told in str(error.value)


def test_what_only_a_newer_writer_knows_is_read_as_the_default() -> None:
    newer = {
        "while_running": "negotiate",
        "while_interrupted": 7,
        "sleep_in_ms": 5,
        "presence": None,
    }
    assert Lifecycle.from_wire(newer) == Lifecycle()
