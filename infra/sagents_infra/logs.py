"""One logger for all of a process: what Sagents, Temporal, AWS's SDK and the application log goes out the same way.

    logs.configure()   # once, at the door

Lines for people on a console; JSON, one object a line, where `SAGENTS_LOG=json` or a Lambda function runs. The level is
`SAGENTS_LOG_LEVEL`, else info. Fields that are bound while an activity or a request is at work stand in every line.
"""

import logging
import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from structlog.typing import Processor, WrappedLogger

from sagents_infra.redaction import shown

NOISY = ("boto3", "botocore", "httpcore", "httpcore2", "httpx", "httpx2", "mcp", "s3transfer", "temporalio", "urllib3")
"""Libraries whose info is of no interest to who runs agents; they may warn. With DEBUG they say all."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

Fields = MutableMapping[str, Any]


def configure(*, json: bool | None = None, level: str | None = None, stream: TextIO | None = None) -> None:
    """Send all logs of this process to `stream` (by default stderr). Calling it again replaces what was."""
    level = _level(level or os.environ.get("SAGENTS_LOG_LEVEL", ""))
    handler = logging.StreamHandler(stream or sys.stderr)
    shared, last = _shared(), _for_machines() if _wants_json(json) else _for_people()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_secrets,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]  # Lambda's own handler would say everything twice
    root.setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(level if level == "DEBUG" else max(level, "WARNING", key=LEVELS.index))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # module loggers are made before the door has been reached
    )


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """These fields stand in every line that is logged inside; those that are None or empty do not."""
    with structlog.contextvars.bound_contextvars(**{name: value for name, value in fields.items() if value}):
        yield


def without_secrets(_: WrappedLogger, __: str, event: Fields) -> Fields:
    """Nothing that opens a door stands in a log, and not what tools are called with."""
    return {name: shown(name, value) for name, value in event.items()}


def with_trace(_: WrappedLogger, __: str, event: Fields) -> Fields:
    """The ids of the span that is current, where somebody traces."""
    if (trace := sys.modules.get("opentelemetry.trace")) is not None:
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            event["trace_id"], event["span_id"] = f"{span.trace_id:032x}", f"{span.span_id:016x}"
    return event


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        with_trace,
    ]


def _for_machines() -> Processor:
    return structlog.processors.JSONRenderer(default=str)


def _for_people() -> Processor:
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def _wants_json(asked: bool | None) -> bool:
    if asked is not None:
        return asked
    kind = os.environ.get("SAGENTS_LOG", "").lower()
    return kind == "json" or (not kind and "AWS_LAMBDA_FUNCTION_NAME" in os.environ)


def _level(name: str) -> str:
    """A level that logging knows; a misspelt one must not keep a worker from starting."""
    return name.upper() if name.upper() in LEVELS else "INFO"
