"""How long an agent stays, when it saves, and what a message does that comes at a bad time (DESIGN section 7).

People write timedeltas; what travels are whole milliseconds, in fields whose names end in `_ms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, StrictBool, ValidationError
from pydantic.dataclasses import dataclass

from sagents.errors import InvalidInput

T = TypeVar("T")
MILLISECOND = timedelta(milliseconds=1)
LONGEST = timedelta(days=3650)
"""Longer than any workflow run lives."""


class WhileRunning(StrEnum):
    """What a message does that arrives during a run."""

    ENQUEUE = "enqueue"
    STEER = "steer"
    CANCEL_AND_RUN = "cancel_and_run"
    REJECT = "reject"


class WhileInterrupted(StrEnum):
    """What a message does that arrives while people have to decide."""

    SUPERSEDE = "supersede"
    ENQUEUE = "enqueue"
    REJECT = "reject"


def _a_timedelta(value: object) -> timedelta:
    """Refuse numbers: pydantic would read `300_000` as seconds, and who writes it means milliseconds."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"{value!r} has no unit; write timedelta(milliseconds={value!r})")
    raise ValueError(f"a timedelta is needed, not {value!r}")


Duration = Annotated[timedelta, BeforeValidator(_a_timedelta), Field(ge=MILLISECOND, le=LONGEST)]
Grace = Annotated[timedelta, BeforeValidator(_a_timedelta), Field(ge=timedelta(0), le=LONGEST)]
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class AutoSave:
    """Saving through a saver of the application (`@app.saver`), besides the kernel's own store."""

    saver: str | None = None
    interval: Duration = timedelta(seconds=60)
    on_idle: StrictBool = True


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Presence:
    """Whether the people who look at a conversation count. While they do, an idle agent stays (L-31)."""

    enabled: StrictBool = False
    topic: str | None = None
    viewers_block_inactivity: StrictBool = True


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Lifecycle:
    """When an agent leaves and saves. It comes back with the next message, so leaving loses nothing."""

    inactivity_timeout: Duration | None = timedelta(minutes=5)
    """How long it waits for the next message; None waits for ever (L-18, L-19)."""
    grace_period: Grace = timedelta(seconds=5)
    """How long it waits after the last viewer has gone."""
    auto_save: AutoSave | None = None
    presence: Presence = Presence()
    stop_patience: Grace | None = None
    """How long a stop lets the run under way go on before it cancels it (L-42); None: as the worker's settings say."""
    while_running: WhileRunning = WhileRunning.ENQUEUE
    while_interrupted: WhileInterrupted = WhileInterrupted.SUPERSEDE

    def wire(self) -> dict[str, JsonValue]:
        """What travels: whole milliseconds, and only what differs from the defaults."""
        return _written(self)

    @classmethod
    def from_wire(cls, payload: object) -> Lifecycle:
        """The lifecycle that arrived; `InvalidInput` says which field does not fit.

        Fields and choices that only a newer writer knows are read as the defaults (DESIGN section 4.6).
        """
        return _read(Lifecycle, payload, "lifecycle")


_DURATIONS = frozenset({"inactivity_timeout", "grace_period", "stop_patience", "interval"})
_ENDLESS = frozenset({"inactivity_timeout"})
_PARTS: dict[str, type[Any]] = {"auto_save": AutoSave, "presence": Presence}
_CHOICES: dict[str, type[StrEnum]] = {"while_running": WhileRunning, "while_interrupted": WhileInterrupted}


def _written(value: Any) -> dict[str, JsonValue]:
    written: dict[str, JsonValue] = {}
    for field in fields(value):
        part = getattr(value, field.name)
        if field.default is not MISSING and part == field.default:
            continue
        if field.name in _DURATIONS:
            written[f"{field.name}_ms"] = None if part is None else part // MILLISECOND
        else:
            written[field.name] = _written(part) if field.name in _PARTS and part is not None else part
    return written


def _read(kind: type[T], payload: object, where: str) -> T:
    if not isinstance(payload, Mapping):
        raise InvalidInput(f"{where} is an object, not {payload!r}.")
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type] # one of the dataclasses above
    values = {name: value for name in names if (value := _value(name, payload, where)) is not MISSING}
    try:
        return kind(**values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise InvalidInput(f"{where}.{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None


def _value(name: str, payload: Mapping[str, Any], where: str) -> Any:
    """The value of one field as Python has it; `MISSING` where its default is meant."""
    if name in _DURATIONS:
        if name in payload:
            raise InvalidInput(f"{where}.{name} has no unit; write {name}_ms, in milliseconds.")
        given = payload.get(f"{name}_ms", MISSING)
        if given == "infinity" and name in _ENDLESS:
            return None
        return given if given is MISSING or given is None else _duration(given, f"{where}.{name}_ms")
    value = payload.get(name, MISSING)
    if value is None and name == "presence":
        return MISSING
    if value is MISSING or value is None:
        return value
    if name in _CHOICES:
        return value if value in tuple(_CHOICES[name]) else MISSING
    return _read(_PARTS[name], value, f"{where}.{name}") if name in _PARTS else value


def _duration(value: object, where: str) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST // MILLISECOND:
        raise InvalidInput(f"{where} is a whole number of milliseconds, ten years at most.")
    return value * MILLISECOND
