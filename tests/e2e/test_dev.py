"""`sagents dev` and the commands beside it, as a person types them."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.house import APP, House


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running project; tests take conversations of their own."""
    house = House(tmp_path_factory.mktemp("house")).start()
    yield house
    house.end()


def test_it_says_where_everything_is(house: House) -> None:
    assert f"127.0.0.1:{house.port}" in house.log
    assert "web ui   http://127.0.0.1:" in house.log
    assert "desk (app:app)" in house.log


def test_a_conversation_from_the_first_message_to_the_approval(house: House) -> None:
    """B-61, B-62, B-64 from the command line."""
    assert "conversation-1 started" in house.sagents("start", "desk", "-c", "1")
    assert "conversation-1 runs already" in house.sagents("start", "desk", "-c", "1")
    assert "Hello there." in house.sagents("send", "-c", "1", "--wait", "hello")
    assert house.sagents("status", "-c", "1") == "idle\n"
    asked = house.sagents("send", "conversation-1", "please", "refund", "7", "--wait")
    assert '⏸ refund(order="7")' in asked
    assert "sagents resume conversation-1 approve" in asked
    assert "is not allowed" in house.sagents("resume", "-c", "1", "respond", "soon", expect=1)
    assert "goes on" in house.sagents("resume", "-c", "1", "approve")
    house.until(lambda: house.json("status", "-c", "1")["status"] == "idle")
    state = house.json("state", "-c", "1")
    assert [message["role"] for message in state["messages"]] == [
        *("user", "assistant"),
        *("user", "assistant", "tool", "assistant"),
    ]
    assert "refunded 7" in house.sagents("state", "-c", "1")
    assert house.json("info", "-c", "1")["message_count"] == 6


def test_programs_get_json(house: House) -> None:
    started = house.json("start", "desk", "-c", "2")
    assert started == {"agent_id": "conversation-2", "conversation_id": "2", "started": True}
    answer = house.json("send", "-c", "2", "--wait", "hello")
    assert (answer["status"], answer["replies"]) == ("idle", ["Hello there."])
    house.until(lambda: "conversation-2" in house.json("ls", "conversation-2*"))
    assert house.json("count")["count"] >= 1


def test_it_is_a_process_that_ends_with_its_exit_code_and_reads_a_pipe(house: House) -> None:
    assert house.process("status", "nobody", "--json").stdout == '{"agent_id": "nobody", "status": "not_running"}\n'
    missing = house.process("info", "nobody", "--json")
    assert (missing.returncode, missing.stdout) == (3, "")
    assert json.loads(missing.stderr)["error"]["type"] == "AgentNotFound"


def test_exit_codes_tell_a_missing_agent_from_a_refusal(house: House) -> None:
    house.sagents("info", "nobody", expect=3)
    house.sagents("send", "nobody", "hello", expect=3)
    assert house.sagents("status", "nobody") == "not_running\n"
    house.sagents("start", "desk", "-c", "3")
    assert "not running (status: idle)" in house.sagents("cancel", "-c", "3", expect=1)
    assert "`sagents start` starts one" in house.sagents("state", "nobody", expect=3)


def test_a_name_that_nobody_registered_is_answered_at_once(house: House) -> None:
    said = house.sagents("chat", "dessk", "-c", "4", text="hello\n", expect=1)
    assert "No agent is registered as 'dessk' (registered: desk" in said


def test_a_chat_streams_asks_and_goes_on(house: House) -> None:
    said = house.sagents("chat", "desk", "-c", "5", text="hello\nrefund 7\nperhaps\napprove\n")
    assert said.index("Hello there.") < said.index('⏸ refund(order="7")') < said.index("It is done.")
    assert "'perhaps' is no decision" in said
    left = house.sagents("chat", "desk", "-c", "6", text="hello\nrefund 7\n", expect=1)
    assert "left open; it waits for: sagents resume conversation-6 approve" in left
    assert "It is done." in house.sagents("chat", "desk", "-c", "6", text="reject no money\n")


def test_a_run_is_cancelled_and_the_agent_lives_on(house: House) -> None:
    """L-43 from the command line."""
    house.sagents("chat", "desk", "-c", "7", text="hello\nrefund\napprove\n")
    house.sagents("send", "-c", "7", "wait")
    house.until(lambda: house.json("info", "-c", "7")["message_count"] > 7)
    house.sagents("cancel", "-c", "7")
    house.until(lambda: house.json("status", "-c", "7")["status"] == "cancelled")
    assert "Never mind." in house.sagents("send", "-c", "7", "--wait", "and now?")


def test_a_stopped_agent_can_be_read_and_is_woken_by_the_next_message(house: House) -> None:
    house.sagents("start", "desk", "-c", "8")
    house.sagents("send", "-c", "8", "--wait", "hello")
    assert house.sagents("stop", "-c", "8") == "stopped\n"
    assert house.sagents("status", "-c", "8") == "not_running\n"
    assert "Hello there." in house.sagents("state", "-c", "8")
    assert "refund" in house.sagents("send", "-c", "8", "--wait", "refund")
    assert house.sagents("status", "-c", "8") == "interrupted\n"


def test_a_second_one_in_the_same_folder_is_refused(house: House) -> None:
    assert "runs in this folder already" in house.sagents("dev", "--port", "7999", expect=1)


def test_a_killed_worker_is_replaced_and_nothing_is_lost(house: House) -> None:
    house.sagents("start", "desk", "-c", "9")
    house.sagents("send", "-c", "9", "--wait", "hello")
    workers = house.workers()
    os.kill(workers[-1], signal.SIGKILL)
    house.sagents("send", "-c", "9", "refund")
    house.until(lambda: house.json("status", "-c", "9")["status"] == "interrupted")
    assert len(house.workers()) > len(workers)
    assert "was killed by SIGKILL; another one takes over" in house.log


@pytest.mark.timeout(300)
def test_ctrl_c_ends_everything_and_the_next_start_goes_on(tmp_path: Path) -> None:
    house = House(tmp_path).start("--reload")
    try:
        house.sagents("start", "desk", "-c", "1")
        house.sagents("send", "-c", "1", "--wait", "hello")
        (tmp_path / "app.py").write_text(APP.replace("It is done.", "All done."))
        house.until(lambda: len(house.workers()) == 2)
        workers = house.workers()
        assert house.interrupt() == 0
        assert not any(_runs(worker) for worker in workers)
        assert not _listens(house.port)
        house.sagents("status", "-c", "1", expect=4)
        house.start()
        house.sagents("send", "-c", "1", "--wait", "refund")
        house.sagents("resume", "-c", "1", "approve")
        house.until(lambda: "All done." in house.sagents("state", "-c", "1"))
        house.end()
        house.start("--reset")
        assert house.sagents("ls") == "no agent runs\n"
        house.sagents("state", "-c", "1", expect=3)
    finally:
        house.end()


def test_nothing_outlives_a_killed_one(tmp_path: Path) -> None:
    house = House(tmp_path).start()
    assert house.dev is not None
    house.dev.kill()
    house.dev.wait()
    house.until(lambda: not _runs(house.workers()[-1]) and not _listens(house.port))


def test_an_app_that_does_not_load_says_why_and_ends(tmp_path: Path) -> None:
    house = House(tmp_path)
    (tmp_path / "app.py").write_text("from sagents import Sagents\nimport nowhere\napp = Sagents()\n")
    done = house.process("dev", "--port", str(house.port))
    assert done.returncode == 1
    assert "import nowhere" in done.stderr
    assert "sagents: the worker failed: ModuleNotFoundError: No module named 'nowhere'" in done.stderr
    assert not _listens(house.port)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
