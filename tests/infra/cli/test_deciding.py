"""`sagents approvals` decides, against agents on a real server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client
from typer.testing import Result

from sagents import Agent, Sagents, ask, tool
from sagents.approvers import groups
from sagents.client import AgentServer
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.cli import chat, reaching
from sagents_infra.cli.picking import brief_id
from sagents_infra.testing import AgentEnv
from tests.client.patience import settled
from tests.infra.cli.conftest import Run
from tests.support.driving import until
from tests.support.models import uses

pytestmark = pytest.mark.asyncio
Type = Callable[..., Awaitable[Result]]


@tool(approval=ask(allowed_decisions=("approve", "edit", "reject", "respond")))
def refund(order: str, amount: int) -> str:
    """Refund an order."""
    return f"refunded {amount} for {order}"


@tool(approval=ask(approvers=groups("finance"), required_approvals=2, remember=("conversation",)))
def pay(account: str) -> str:
    """Send money."""
    return f"paid {account}"


def desk() -> Sagents:
    """Refunds are for anybody to decide, payments for two of finance."""
    app = Sagents()
    app.agent("desk", Agent(model=uses("refund", order="7", amount=500), tools=(refund,)))
    app.agent("pair", Agent(model=uses("refund", at_once=2, order="7", amount=500), tools=(refund,)))
    app.agent("bank", Agent(model=uses("pay", account="9"), tools=(pay,)))
    return app


@pytest_asyncio.fixture
async def env(agent_env: Any) -> AsyncIterator[AgentEnv]:
    async with agent_env(desk()) as opened:
        yield opened


@pytest.fixture
def server(env: AgentEnv) -> AgentServer:
    return _server(env, env.client)


@pytest.fixture
def types(env: AgentEnv, sagents: Run, monkeypatch: pytest.MonkeyPatch) -> Type:
    """`await types("ls")`: a command of `sagents approvals` beside the worker, on a loop of its own."""

    async def connect() -> AgentServer:
        config = env.client.service_client.config
        client = await Client.connect(config.target_host, data_converter=env.client.data_converter)
        return _server(env, client)

    for module in (reaching, chat):
        monkeypatch.setattr(module, "connect", connect)

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(sagents, "approvals", *words)

    return run


async def test_a_person_finds_approves_and_looks_back(types: Type, env: AgentEnv, server: AgentServer) -> None:
    [typed] = await asked(server, "desk", env.id())
    listed = (await types("ls")).stdout
    assert typed in listed
    assert "refund" in listed
    approved = await types("approve", typed[:10], "--as", "anna")
    assert (approved.exit_code, approved.stdout) == (0, f"{env.id()}/{typed} approved by anna\n")
    assert await said(server, env.id()) == "done: refunded 500 for 7"
    assert "anna by cli" in (await types("log", env.id())).stdout
    assert (await types("verify", "--all")).exit_code == 0
    assert (await types("ls")).stdout == "nothing waits for people\n"
    gone = await types("reject", f"{env.id()}/{typed}", "--as", "bob")
    assert gone.exit_code == 1
    assert "anna has approved it" in gone.stderr
    assert f"sagents approvals log {env.id()}" in gone.stderr
    for late in (typed, f"{env.id()}/{typed[:5]}", f"nobody/{typed}"):
        assert (await types("reject", late)).exit_code == 3


async def test_a_call_is_edited_answered_and_rejected(types: Type, env: AgentEnv, server: AgentServer) -> None:
    for words, status, result in (
        (["edit", '{"order": "7", "amount": 5}'], "edited", "done: refunded 5 for 7"),
        (["respond", "it", "is", "paid"], "responded", "done: it is paid"),
        (["reject", "--reason", "too late"], "rejected", "too late"),
    ):
        agent_id = env.id(status)
        [typed] = await asked(server, "desk", agent_id)
        done = await types(words[0], typed, *words[1:], "--json")
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["status"] == status
        assert result in await said(server, agent_id)


async def test_what_is_refused_says_why_and_what_to_do(types: Type, env: AgentEnv, server: AgentServer) -> None:
    """B-83: exit codes for scripts, words for people."""
    [typed] = await asked(server, "bank", env.id())
    for words, code, why in (
        (["approve", typed], 1, "--as NAME"),
        (["approve", typed, "--as", "mallory"], 1, "group finance"),
        (["approve", typed, "--as", "anna", "--group", "finance", "--digest", "sha256:1"], 1, "digest"),
        (["approve", typed, "--as", "anna", "--group", "finance", "--remember", "user"], 1, "(at /remember/scope)"),
        (["respond", typed, "yes", "--as", "anna", "--group", "finance"], 1, "sagents approvals show"),
    ):
        refused = await types(*words)
        assert (refused.exit_code, refused.stdout) == (code, ""), refused.stderr
        assert why in refused.stderr
    error = json.loads((await types("approve", typed, "--json")).stderr)["error"]
    assert (error["type"], error["interrupt_id"]) == ("Forbidden", f"int_call_{typed}")


async def test_two_people_agree_and_have_it_remembered(types: Type, env: AgentEnv, server: AgentServer) -> None:
    [typed] = await asked(server, "bank", env.id())
    anna = await types("approve", typed, "--as", "anna", "--group", "finance")
    assert "waits for more people: 1 of 2 agree" in anna.stdout

    async def shows_the_vote() -> bool:
        return "✓ anna: approve" in (await types("show", typed)).stdout

    await until(shows_the_vote)
    assert "1/2" in (await types("ls")).stdout
    remember = ("--remember", "conversation", "--ttl", "7d")
    bob = await types("approve", typed, "--as", "bob", "--group", "finance", *remember)
    assert (bob.exit_code, bob.stdout) == (0, f"{env.id()}/{typed} approved by bob\n")
    assert await said(server, env.id()) == "done: paid 9"
    assert "pay" in (await types("rules", "ls")).stdout


async def test_resuming_is_done_by_a_person_too(types: Type, sagents: Run, env: AgentEnv, server: AgentServer) -> None:
    await asked(server, "bank", env.id())
    for name, answer in (("anna", "waits for more people: 1 of 2 agree"), ("bob", "goes on")):
        words = ("resume", env.id(), "approve", "--as", name, "--group", "finance")
        resumed = await asyncio.to_thread(sagents, *words)
        assert (resumed.exit_code, resumed.stdout) == (0, f"{env.id()} {answer}\n"), resumed.stderr
    assert await said(server, env.id()) == "done: paid 9"


async def test_a_person_chats_decides_and_leaves_the_rest_to_others(
    types: Type, sagents: Run, env: AgentEnv, server: AgentServer
) -> None:
    words = ("chat", "bank", "-c", env.prefix, "--as", "anna", "--group", "finance")
    chatted = await asyncio.to_thread(sagents, *words, input="go\napprove\n")
    assert chatted.exit_code == 1, chatted.stderr
    assert chatted.stdout.count("waits for more people") == 1

    async def is_her_vote() -> bool:
        [item] = await server.inbox(agent_id=f"conversation-{env.prefix}")
        return [vote.who.name for vote in item.interrupt.votes] == ["anna"]

    await until(is_her_vote)
    other = await asyncio.to_thread(sagents, "chat", "bank", "-c", env.prefix, input="approve\n")
    assert "--as NAME" in other.stderr


async def test_who_may_not_resume_learns_what_to_type(
    types: Type, sagents: Run, env: AgentEnv, server: AgentServer
) -> None:
    [typed] = await asked(server, "bank", env.id())
    refused = await asyncio.to_thread(sagents, "resume", env.id(), "approve")
    assert refused.exit_code == 1
    assert "--as NAME" in refused.stderr
    shown = await asyncio.to_thread(sagents, "info", env.id())
    assert f"sagents approvals show {env.id()}/{typed}" in shown.stdout


async def test_several_are_decided_at_once_and_one_that_fails_harms_no_other(
    types: Type, env: AgentEnv, server: AgentServer
) -> None:
    refunds = await asked(server, "pair", env.id("pair"), count=2)
    [payment] = await asked(server, "bank", env.id("bank"))
    done = await types("approve", *refunds, payment)
    assert done.exit_code == 1
    assert sorted(done.stdout.splitlines()) == sorted(f"{env.id('pair')}/{one} approved by operator" for one in refunds)
    assert "--as NAME" in done.stderr
    assert await said(server, env.id("pair")) == "done: refunded 500 for 7"


async def asked(server: AgentServer, name: str, agent_id: str, count: int = 1) -> list[str]:
    """The ids, as people type them, of what an agent asks when it is told something."""
    await server.start(name, agent_id=agent_id)
    await server.add_message(agent_id, "go")

    async def waits() -> list[str]:
        items = await server.inbox(agent_id=agent_id)
        return [brief_id(item.interrupt.id) for item in items] if len(items) == count else []

    found: list[str] = await until(waits)
    return found


async def said(server: AgentServer, agent_id: str) -> str:
    await settled(server, agent_id)
    return (await server.messages(agent_id))[-1].text


def _server(env: AgentEnv, client: Client) -> AgentServer:
    return AgentServer(
        client,
        store=env.store,
        channel=MemoryChannel(),
        presence=env.presence,
        signer=env.signer,
        task_queue=env.settings.task_queue,
    )
