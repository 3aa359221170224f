"""The same errands by a worker that is traced as its environment says; spans go to its standard output, at once."""

import asyncio
import os

from sagents_infra import logs
from tests.support.apps.errands import app, main

VARIABLES = {
    "SAGENTS_TRACING": "otel",
    "SAGENTS_LOG": "json",
    "OTEL_TRACES_EXPORTER": "console",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_BSP_SCHEDULE_DELAY": "10",
}

if __name__ == "__main__":
    os.environ.update(VARIABLES)
    logs.configure()
    asyncio.run(main(app))
    os._exit(0)
