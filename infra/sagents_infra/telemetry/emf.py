"""The same metrics for CloudWatch, as lines in a Lambda function's log (EMF), by Powertools (`sagents[aws]`)."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from sagents import telemetry
from sagents.ports import Store
from sagents.telemetry import EventName, Values
from sagents_infra.telemetry import figures
from sagents_infra.telemetry.figures import Figure, Kind
from sagents_infra.telemetry.inbox import waiting
from sagents_infra.telemetry.naming import AGENT_NAME

HANDLER = "sagents.emf"
NAMESPACE = "Sagents"
UNITS = {Kind.COUNT: MetricUnit.Count, Kind.TOKENS: MetricUnit.Count, Kind.SECONDS: MetricUnit.Seconds}


class EmfMetrics:
    """Prints what is counted, until `close`. Powertools' own variables count: `POWERTOOLS_METRICS_NAMESPACE`, ..."""

    def __init__(self, namespace: str | None = None) -> None:
        self._namespace = namespace or os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or NAMESPACE
        self._id = f"{HANDLER}.{id(self)}"
        telemetry.attach_many(self._id, figures.EVENTS, self._hear)

    def close(self) -> None:
        telemetry.detach(self._id)

    async def waiting(self, store: Store) -> None:
        """Print what waits for people now; for a function that a schedule calls."""
        for agent, waits in (await waiting(store, datetime.now(UTC))).items():
            whose = {AGENT_NAME: agent}
            count, oldest = Figure(figures.WAITING, waits.number, dimensions=whose), waits.oldest
            self._print([count, Figure(figures.OLDEST, oldest, Kind.SECONDS, whose)])

    def _hear(self, event: EventName, measurements: Values, metadata: Values, _: object) -> None:
        self._print(figures.figures(event, measurements, metadata))

    def _print(self, counted: Iterable[Figure]) -> None:
        """A line for each set of dimensions: all values in a line share them."""
        for dimensions, together in groupby(counted, lambda figure: dict(figure.dimensions)):
            line = EphemeralMetrics(namespace=self._namespace)
            for name, value in dimensions.items():
                if value.strip():
                    line.add_dimension(name, value)
            for figure in together:
                line.add_metric(figure.name, UNITS[figure.kind], figure.value)
            line.flush_metrics()
