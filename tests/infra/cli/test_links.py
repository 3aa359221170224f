"""Links by the command line: made and taken back with the store alone."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sagents.ports import Save
from sagents_infra.dev_server import free_port
from sagents_infra.identity import keys_in
from sagents_infra.links.book import LinkRow
from sagents_infra.links.link import Link
from sagents_infra.links.local import LocalLinkBook
from sagents_infra.links.sealing import opened
from sagents_infra.stores import SqliteStore
from tests.infra.cli.conftest import Run
from tests.infra.links.questions import question


@pytest.fixture(autouse=True)
def waiting(monkeypatch: pytest.MonkeyPatch, sagents: Run, home: Path) -> None:
    """A question of the tenant acme, Temporal being away."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("SAGENTS_PUBLIC_URL", "https://agents.example.com/")
    asyncio.run(_asked(home / ".sagents/store.db"))


async def _asked(path: Path) -> None:
    store, item = SqliteStore(path), question()
    await store.take_over(item.agent_id, "w1", 0)
    await store.save(
        Save(agent_id=item.agent_id, workflow_run_id="w1", seq=1, head="{}", interrupts=(item.model_dump_json(),))
    )
    store.close()


def _link(home: Path, url: str) -> Link:
    token = url.removeprefix("https://agents.example.com/approvals/")
    return asyncio.run(opened(keys_in(home / ".sagents/signing.keys"), token, datetime.now(UTC)))


def test_a_link_is_for_one_person_one_question_and_a_while(sagents: Run, home: Path) -> None:
    result = sagents("approvals", "link", "7", "--for", "alice", "--expires", "2h")
    assert result.exit_code == 0, result.output
    made = _link(home, result.stdout.strip())
    assert (made.subject, made.tenant, made.interrupt_id) == ("alice", "acme", "int_call_7")
    assert timedelta(hours=1, minutes=59) < made.expires_at - datetime.now(UTC) <= timedelta(hours=2)
    assert made.id in result.stderr


def test_no_link_is_made_for_who_may_not_decide(sagents: Run) -> None:
    for options in (["--for", "bob"], ["--for", "alice", "--tenant", "other"], ["--for", "alice", "--expires", "31d"]):
        result = sagents("approvals", "link", "7", *options)
        assert (result.exit_code != 0, result.stdout) == (True, ""), options


def test_a_link_is_taken_back_by_itself_or_by_its_id(sagents: Run, home: Path) -> None:
    made = json.loads(sagents("approvals", "link", "7", "--for", "alice", "--json").stdout)
    for given in (made["url"], made["id"], made["url"].rpartition("/")[2]):
        result = sagents("approvals", "revoke-link", given, "--as", "ann")
        assert (result.exit_code, result.stdout.strip()) == (0, f"{made['id']} revoked")
    row = asyncio.run(LocalLinkBook(home / ".sagents/links.db").get(made["id"]))
    assert row is not None
    assert row.revoked_by == "ann"


def test_a_link_that_was_used_says_that_it_is_too_late(sagents: Run, home: Path) -> None:
    made = json.loads(sagents("approvals", "link", "7", "--for", "alice", "--json").stdout)
    link = _link(home, made["url"])
    book = LocalLinkBook(home / ".sagents/links.db")
    at = datetime.now(UTC)
    asyncio.run(book.change(LinkRow(id=link.id, until=link.expires_at), lambda row: row.used("approve", "digest", at)))
    book.close()
    result = sagents("approvals", "revoke-link", made["url"])
    assert (result.exit_code, "used before: approve" in result.stderr) == (1, True)


def test_what_is_no_link_cannot_be_taken_back(sagents: Run) -> None:
    result = sagents("approvals", "revoke-link", "https://agents.example.com/approvals/x.y.z")
    assert (result.exit_code != 0, "no link of ours" in result.stderr) == (True, True)
