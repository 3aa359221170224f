"""What a developer finds in the file of a run."""

import asyncio
import json
import stat
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from sagents import Agent, HookContext, InvalidAgent, ModelErrorKind, RaiseInterrupt, Respond, State, log_files, tool
from sagents.log_files import safe
from sagents.middleware import DebugLog
from sagents.notifying import notify
from sagents.plan import AgentRef, NotifyRequest, Reference, RunSpec, StepRequest
from sagents.step import take_step
from sagents.testing import ScriptedModel, StillTime, calls, fails, says, talk


@tool
def look(at: str) -> str:
    """Look at something."""
    return f"{at} is blue"


@tool
def choose(question: str) -> str:
    """Ask the user."""
    raise RaiseInterrupt(question)


def agent(log: DebugLog, agent_id: str = "sky-1", model: Any = "test:any") -> Agent:
    return Agent(model=model, agent_id=agent_id, tools=[look, choose], middleware=[log], default_middleware=False)


async def files(log: DebugLog) -> list[Path]:
    await asyncio.wait_for(log.flush(), 30)
    return sorted(log.folder.iterdir()) if log.folder.exists() else []


async def lines(log: DebugLog) -> list[list[str]]:
    """Time, name and JSON of each line of the only file."""
    (file,) = await files(log)
    return [line.split(" ", 2) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.asyncio
async def test_a_run_has_a_file_with_its_hooks_and_callbacks_in_order(tmp_path: Path) -> None:
    """B-60."""
    log = DebugLog(tmp_path / "logs")
    await talk(agent(log), ScriptedModel(calls(look, at="sky"), says("Blue.")), "Why?")
    told = await lines(log)
    assert [name for _, name, _ in told] == [
        "before_run",
        "before_model",
        "on_after_middleware",
        "on_llm_new_message",
        "on_llm_token_usage",
        "on_message_processed",
        "on_tool_call_identified",
        "after_model",
        "on_tool_execution_started",
        "on_tool_pre_execution",
        "on_tool_execution_completed",
        "on_tool_response_created",
        "before_model",
        "on_after_middleware",
        "on_llm_new_message",
        "on_llm_token_usage",
        "on_message_processed",
        "after_model",
        "after_run",
    ]
    assert {at for at, _, _ in told} == {"2025-01-01T00:00:00+00:00"}
    assert json.loads(told[0][2])["newest"]["content"] == "Why?"
    completed = next(json.loads(text) for _, name, text in told if name == "on_tool_execution_completed")
    assert completed[1]["content"] == "sky is blue"


@pytest.mark.asyncio
async def test_each_run_has_a_file_of_its_own_with_a_name_that_any_disk_takes(tmp_path: Path) -> None:
    """B-60."""
    log = DebugLog(tmp_path, prefix="../my app")
    await talk(agent(log, "../../etc/passwd ü"), ScriptedModel(says("a"), says("b")), "One", "Two")
    names = [file.name for file in await files(log)]
    assert len(names) == 2
    assert all(name.startswith("_my_app_20250101T000000__.._etc_passwd_") and name.endswith(".log") for name in names)


@pytest.mark.parametrize(
    ("part", "name"),
    [("a/b\\c", "a_b_c"), ("..", "none"), ("../x", "_x"), (".hidden", "hidden"), ("", "none"), ("x" * 500, "x" * 80)],
)
def test_names_are_made_safe(part: str, name: str) -> None:
    """B-60."""
    assert safe(part) == name


@pytest.mark.asyncio
async def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    log = DebugLog(tmp_path)
    await talk(agent(log), ScriptedModel(says("Blue.")), "Why?")
    (file,) = await files(log)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.asyncio
async def test_another_process_goes_on_in_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-60: one file a run, whichever worker takes its steps, and whenever."""
    log, time = DebugLog(tmp_path), StillTime()
    context = HookContext(agent_id="sky-1", run_id="run_1", now=lambda: time.now)
    log.before_run(State(), context)
    assert len(await files(log)) == 1
    monkeypatch.setattr(log_files, "_paths", OrderedDict())
    time.now = time.now.replace(hour=7)
    log.before_model(State(), context)
    assert [name for _, name, _ in await lines(log)] == ["before_run", "before_model"]


@pytest.mark.asyncio
async def test_agents_side_by_side_do_not_mix(tmp_path: Path) -> None:
    """B-60: also where they share the middleware."""
    log = DebugLog(tmp_path)
    await asyncio.gather(
        *(
            talk(agent(log, f"sky-{n}"), ScriptedModel(calls(look, at=f"thing {n}"), says("Ok")), f"ask {n}")
            for n in range(5)
        )
    )
    found = await files(log)
    assert len(found) == 5
    for file in found:
        (n,) = {n for n in range(5) if f"_sky-{n}_" in file.name}
        text = file.read_text(encoding="utf-8")
        assert f"thing {n} is blue" in text
        assert not any(f"thing {other} " in text for other in range(5) if other != n)


@pytest.mark.asyncio
async def test_failures_and_answers_are_logged(tmp_path: Path) -> None:
    """B-60."""
    log = DebugLog(tmp_path)
    helper = agent(log)
    await talk(helper, ScriptedModel(calls(choose, question="Tea?"), says("Ok")), "Hm", answers=(Respond("Yes"),))
    await talk(helper, ScriptedModel(fails("no", kind=ModelErrorKind.FAIL)), "Hm")
    note = NotifyRequest(agent=AgentRef(), reference=Reference(), middleware="debug_log", message={"a": 1})
    await notify(helper, State(), note, StillTime().surroundings())
    text = "".join(file.read_text(encoding="utf-8") for file in await files(log))
    for name in ("handle_resume", "on_tool_interrupted", "on_llm_error", "on_error", "handle_message"):
        assert f" {name} " in text


@pytest.mark.asyncio
async def test_waking_and_what_else_is_asked_are_logged(tmp_path: Path) -> None:
    """B-60."""
    log = DebugLog(tmp_path)
    request = StepRequest(agent=AgentRef(), reference=Reference(), run=RunSpec(id="r"), boot=True)
    await take_step(agent(log, model=ScriptedModel(says("Hi"))), State(), request, StillTime().surroundings())
    message = State.new(messages=[{"role": "user", "content": "Hi"}]).messages[0]
    assert log.transform_display_message(message) == message
    assert log.restorable_interrupt({"type": "halt"}) is False
    names = [name for _, name, _ in await lines(log)]
    assert names[0] == "on_start"
    assert names[-2:] == ["transform_display_message", "restorable_interrupt"]


@pytest.mark.asyncio
async def test_pieces_of_replies_are_logged_where_they_are_wanted(tmp_path: Path) -> None:
    """B-60."""
    log = DebugLog(tmp_path, log_deltas=True)
    await talk(agent(log), ScriptedModel(says("The sky")), "Why?")
    assert [name for _, name, _ in await lines(log)].count("on_llm_new_delta") == 2


@pytest.mark.asyncio
async def test_long_values_are_clipped_and_pretty_ones_spread(tmp_path: Path) -> None:
    """B-60."""
    short, pretty = DebugLog(tmp_path / "a", inspect_limit=50), DebugLog(tmp_path / "b", pretty=True)
    for log in (short, pretty):
        await talk(agent(log), ScriptedModel(says("Blue. " * 100)), "Why?")
    assert all(len(text) <= 50 for _, _, text in await lines(short))
    (file,) = await files(pretty)
    assert '\n  "messages": 1,\n' in file.read_text(encoding="utf-8")


@pytest.mark.asyncio
async def test_nothing_happens_where_it_is_not_enabled(tmp_path: Path) -> None:
    """B-60."""
    log = DebugLog(tmp_path / "logs", enabled=False)
    await talk(agent(log), ScriptedModel(calls(look, at="sky"), says("Blue.")), "Why?")
    assert await files(log) == []
    assert log.observers() == {}
    assert log.debug_summary() == {"enabled": False, "log_dir": str(tmp_path / "logs"), "prefix": "agent"}


@pytest.mark.asyncio
async def test_a_disk_that_takes_nothing_costs_no_run(tmp_path: Path) -> None:
    """B-60: never crashes."""
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    log = DebugLog(tmp_path / "file" / "logs")
    outcome = await talk(agent(log), ScriptedModel(calls(look, at="sky"), says("Blue.")), "Why?")
    await log.flush()
    assert outcome.unwrap().text == "Blue."


@pytest.mark.asyncio
async def test_values_that_are_no_json_are_no_reason_to_crash(tmp_path: Path) -> None:
    """B-60."""
    log = DebugLog(tmp_path)
    log.before_run(State(), HookContext(agent_id="a", run_id="r"))
    log.restorable_interrupt({"odd": object(), "lone": "\ud800"})
    log.restorable_interrupt({"fine": 1})
    assert (await lines(log))[-1][1:] == ["restorable_interrupt", '{"fine":1}']


@pytest.mark.parametrize("limit", [0, True, "many"])
def test_wrong_options_are_refused(limit: Any) -> None:
    with pytest.raises(InvalidAgent, match="inspect_limit"):
        DebugLog(inspect_limit=limit)
