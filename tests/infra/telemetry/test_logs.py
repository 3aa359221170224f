"""One logger: what stands in a line, how it looks, and what never stands there."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from sagents import Agent, Sagents, tool
from sagents_infra import logs
from tests.support.driving import started
from tests.support.models import uses

log = structlog.get_logger("tests.early")  # made before `configure`, as loggers of modules are


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Other tests find the logging that they know."""
    for name in ("SAGENTS_LOG", "SAGENTS_LOG_LEVEL", "AWS_LAMBDA_FUNCTION_NAME"):
        monkeypatch.delenv(name, raising=False)
    root, known = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.NOISY}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    structlog.configure(**known)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_for_machines_has_time_level_logger_and_fields(stream: io.StringIO) -> None:
    logs.configure(json=True, stream=stream)
    log.info("run finished", agent="a-1", steps=4)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "run finished", "level": "info", "logger": "tests.early", "agent": "a-1", "steps": 4}


def test_a_line_for_people_is_no_json(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    log.info("run finished", steps=4)
    assert "run finished" in stream.getvalue()
    assert "steps=4" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("variable", ["AWS_LAMBDA_FUNCTION_NAME", "SAGENTS_LOG"])
def test_lambda_and_the_setting_want_json(variable: str, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "json")
    logs.configure(stream=stream)
    log.info("begun")
    assert lines(stream)[0]["event"] == "begun"


def test_the_standard_library_goes_the_same_way(stream: io.StringIO) -> None:
    """As Temporal and AWS's SDK do; a second `configure` replaces the first."""
    logs.configure(json=True, stream=io.StringIO())
    logs.configure(json=True, stream=stream)
    with logs.bound(agent_id="a-1", run_id=None):
        logging.getLogger("temporalio.worker").warning("poll failed %d times", 3, extra={"task_queue": "q"})
    (line,) = lines(stream)
    assert line.items() >= {"event": "poll failed 3 times", "logger": "temporalio.worker", "level": "warning"}.items()
    assert (line["agent_id"], line["task_queue"]) == ("a-1", "q")
    assert "run_id" not in line


@pytest.mark.parametrize("json", [True, False], ids=["json", "console"])
def test_an_exception_is_told_without_its_secrets(json: bool, stream: io.StringIO) -> None:
    logs.configure(json=json, stream=stream)
    try:
        raise ValueError("Bearer abcdefgh12345 was refused")
    except ValueError:
        log.exception("it broke")
        logging.getLogger("app").exception("it broke, too")
    assert stream.getvalue().count("ValueError: Bearer [hidden] was refused") == 2
    assert "Traceback" in stream.getvalue()


@pytest.mark.parametrize(("level", "told"), [("debug", 4), ("", 3), ("WARNING", 2), ("nonsense", 3)])
def test_the_level_is_a_setting(level: str, told: int, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries that talk much may warn, unless everything is wanted."""
    monkeypatch.setenv("SAGENTS_LOG_LEVEL", level)
    logs.configure(json=True, stream=stream)
    log.debug("detail")
    log.info("said")
    log.warning("careful")
    logging.getLogger("botocore.hooks").warning("retrying")
    assert len(lines(stream)) == told
    logging.getLogger("botocore.hooks").info("event")
    assert (len(lines(stream)) > told) == (level == "debug")


SECRETS = {
    "api_key": "sk-live-123456789",
    "Authorization": "Bearer abc.def.ghi",
    "arguments": {"card": "4111 1111"},
    "session_token": "FwoGZX",
    "headers": {"x-api-key": "abc", "Cookie": "id=1"},
    "detail": "called with sk-ant-api03-abcdefgh",
    "role": "AKIAIOSFODNN7EXAMPLE assumed",
    "url": "https://user:hunter2@example.com/path",
    "parts": [{"password": "hunter2"}, "ghp_abcdefghijklmnopqrstuvwxyz"],
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
}
WORDS = ("123456789", "abc", "4111", "FwoGZX", "id=1", "api03", "AKIA", "hunter2", "ghp_", "eyJ")


@pytest.mark.parametrize("name", sorted(SECRETS))
@pytest.mark.parametrize("json", [True, False], ids=["json", "console"])
def test_secrets_are_not_logged(name: str, json: bool, stream: io.StringIO) -> None:
    """Keys, tokens, and what tools are called with, by their names and by their looks."""
    logs.configure(json=json, stream=stream)
    log.warning("seen", **{name: SECRETS[name]})
    assert "[hidden]" in stream.getvalue()
    assert [word for word in WORDS if word in stream.getvalue()] == []


def test_what_is_no_secret_is_logged_as_it_is(stream: io.StringIO) -> None:
    logs.configure(json=True, stream=stream)
    fields = {"input_tokens": 12, "tokens": 3, "key": "settings", "tool": "token_counter", "url": "https://x.org/a?b=c"}
    log.info("asked", **fields)
    assert lines(stream)[0].items() >= fields.items()


def test_a_line_names_the_span_in_which_it_was_written(stream: io.StringIO) -> None:
    logs.configure(json=True, stream=stream)
    with TracerProvider(shutdown_on_exit=False).get_tracer("app").start_as_current_span("work") as span:
        log.info("inside")
    log.info("outside")
    inside, outside = lines(stream)
    assert inside["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert inside["span_id"] == f"{span.get_span_context().span_id:016x}"
    assert "trace_id" not in outside


@pytest.mark.asyncio
async def test_what_a_tool_logs_says_whose_doing_it_is(agent_env: Any, stream: io.StringIO) -> None:
    """In an async tool, and in a thread."""

    @tool
    async def aloud() -> str:
        """Say it."""
        log.info("from a tool")
        await asyncio.to_thread(logging.getLogger("app").warning, "from a thread")
        return "said"

    logs.configure(json=True, stream=stream)
    app = Sagents()
    app.agent("helper", Agent(model=uses("aloud"), tools=[aloud]))
    async with agent_env(app) as env:
        agent = await started(env, "helper", conversation_id="c-1")
        await agent.say("Go")
    told = [line for line in lines(stream) if str(line["event"]).startswith("from a ")]
    assert len(told) == 2
    for line in told:
        assert (
            line.items()
            >= {
                "agent_id": agent.agent_id,
                "conversation_id": "c-1",
                "activity": "tool_call",
                "workflow_id": agent.agent_id,
            }.items()
        )
        assert line["run_id"]
        assert line["tool_call_id"].startswith("call_")
