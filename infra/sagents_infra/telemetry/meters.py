"""Metrics by OpenTelemetry."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError as Cancelled
from datetime import UTC, datetime
from functools import partial

from opentelemetry.metrics import CallbackOptions, Counter, Histogram, MeterProvider, Observation, get_meter_provider

from sagents import telemetry
from sagents.ports import Store
from sagents.telemetry import EventName, Values
from sagents_infra.telemetry import figures
from sagents_infra.telemetry.figures import Kind
from sagents_infra.telemetry.inbox import Waiting, waiting
from sagents_infra.telemetry.naming import AGENT_NAME

HANDLER = "sagents.metrics"
PATIENCE = 5.0
"""Seconds that the store has to say what waits."""

COUNTERS = {
    figures.RUNS: ("{run}", "Runs that have ended, by outcome"),
    figures.CRASHES: ("{crash}", "Agents and runs that broke in a way nobody expected"),
    figures.INTERRUPTS: ("{interrupt}", "Runs that began to wait for a person"),
    figures.AGENTS_STARTED: ("{agent}", "Agents that began to live, new or restored"),
    figures.AGENTS_STOPPED: ("{agent}", "Agents that have left"),
    figures.MODEL_ERRORS: ("{error}", "Tries of models that failed"),
    figures.TOOL_FAILURES: ("{call}", "Tool calls that ended with an error"),
}
HISTOGRAMS = {
    figures.RUN_DURATION: ("s", "How long runs take, waiting for people included"),
    figures.TOOL_DURATION: ("s", "How long tools take"),
    figures.MODEL_DURATION: ("s", "How long models take to answer"),
    figures.TOKENS: ("{token}", "Tokens that models read and wrote"),
}


class Meters:
    """Instruments of one meter provider. `close` ends the counting."""

    def __init__(self, provider: MeterProvider | None = None) -> None:
        self._meter = (provider or get_meter_provider()).get_meter("sagents")
        self._counters: dict[str, Counter] = {
            name: self._meter.create_counter(name, unit, words) for name, (unit, words) in COUNTERS.items()
        }
        self._histograms: dict[str, Histogram] = {
            name: self._meter.create_histogram(name, unit, words) for name, (unit, words) in HISTOGRAMS.items()
        }
        self._id = f"{HANDLER}.{id(self)}"
        telemetry.attach_many(self._id, figures.EVENTS, self._hear)

    def close(self) -> None:
        telemetry.detach(self._id)

    def watch(self, store: Store) -> None:
        """Observe what waits in this store, whenever the reader asks; the running loop does the asking."""
        ask = partial(_asked, store, asyncio.get_running_loop())
        for name, unit, value, words in (
            (figures.WAITING, "{interrupt}", _count, "Decisions that people owe"),
            (figures.OLDEST, "s", _oldest, "How long the oldest of them has waited"),
        ):
            self._meter.create_observable_gauge(name, [partial(_observed, ask, value)], unit, words)

    def _hear(self, event: EventName, measurements: Values, metadata: Values, _: object) -> None:
        for figure in figures.figures(event, measurements, metadata):
            if figure.kind is Kind.COUNT:
                self._counters[figure.name].add(figure.value, dict(figure.dimensions))
            else:
                self._histograms[figure.name].record(figure.value, dict(figure.dimensions))


def _count(waits: Waiting) -> float:
    return waits.number


def _oldest(waits: Waiting) -> float:
    return waits.oldest


def _observed(
    ask: Callable[[], dict[str, Waiting]], value: Callable[[Waiting], float], _: CallbackOptions
) -> Iterable[Observation]:
    for agent, waits in ask().items():
        yield Observation(value(waits), {AGENT_NAME: agent})


def _asked(store: Store, loop: asyncio.AbstractEventLoop) -> dict[str, Waiting]:
    """From the reader's thread; nothing where the store does not answer, or the loop has ended."""
    if loop.is_closed():
        return {}
    asked = asyncio.run_coroutine_threadsafe(waiting(store, datetime.now(UTC)), loop)
    try:
        return asked.result(PATIENCE)
    except (Exception, Cancelled):
        asked.cancel()
        return {}
