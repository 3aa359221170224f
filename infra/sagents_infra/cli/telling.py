"""Commands that tell agents something."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import typer

from sagents import CannotResume, Decision, InvalidInput, Status
from sagents.client import AgentServer
from sagents.commands import Answering
from sagents.errors import DecisionRefused
from sagents.principal import Principal
from sagents_infra.cli.drawing import Screen
from sagents_infra.cli.failing import FAILED
from sagents_infra.cli.following import Follower
from sagents_infra.cli.hints import explained
from sagents_infra.cli.identity import CHANNEL
from sagents_infra.cli.output import console, show, whole
from sagents_infra.cli.questions import questions
from sagents_infra.cli.reaching import connected


def start(
    name: str,
    agent_id: str | None,
    conversation: str | None,
    options: Sequence[str],
    scope: Sequence[str],
    as_json: bool,
) -> None:
    given, whose = dict(map(_option, options)), dict(map(_option, scope))
    if agent_id is None and conversation is None:
        conversation = uuid4().hex[:8]

    async def work(server: AgentServer) -> None:
        session = await server.start(name, agent_id=agent_id, conversation_id=conversation, options=given, scope=whose)
        done = "started" if session.started else "runs already"
        value = {"agent_id": session.agent_id, "conversation_id": conversation, "started": session.started}
        show(value, f"{session.agent_id} {done}", as_json)

    connected(work)


def send(agent_id: str, text: str, message_id: str | None, wait: bool, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        if wait:
            return await _send_and_wait(server, agent_id, text, message_id, as_json)
        accepted = await server.add_message(agent_id, text, id=message_id)
        return show({"agent_id": agent_id, "message_id": accepted.id}, f"sent ({accepted.id})", as_json)

    connected(work)


async def _send_and_wait(server: AgentServer, agent_id: str, text: str, message_id: str | None, as_json: bool) -> None:
    screen = Screen(console())
    async with Follower(server, agent_id, (lambda _: None) if as_json else screen.draw) as follower:
        count = await follower.count()
        accepted = await server.add_message(agent_id, text, id=message_id)
        status = await follower.until_rest()
        replies = [message.text for message in await follower.replies_since(count)]
    screen.end()
    if as_json:
        value = {"agent_id": agent_id, "message_id": accepted.id, "status": status, "replies": replies}
        show(value, "", as_json)
    else:
        for reply in replies:
            if reply not in screen.said:
                screen.console.print(reply)
    await explain(server, agent_id, status, as_json)


async def explain(server: AgentServer, agent_id: str, status: Status, as_json: bool) -> None:
    """Say what to do after a run that did not simply finish; a failed one is a failed command."""
    if status is Status.INTERRUPTED and not as_json:
        for question in await questions(server, agent_id):
            console().print(f"⏸ {question.text}\n  {question.command}")
    if status is Status.ERROR:
        info = await server.agent_info(agent_id)
        message = info.error.message if info and info.error else info.problem if info else None
        typer.echo(f"sagents: the run failed: {message or 'the agent has left'}", err=True)
        raise typer.Exit(FAILED)


def execute(agent_id: str, options: Mapping[str, Any], as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        accepted = await server.execute(agent_id, **options)
        show({"agent_id": agent_id, "status": accepted.status}, str(accepted.status), as_json)

    connected(work)


def resume(
    agent_id: str,
    decisions: Sequence[Decision],
    interrupt_id: str | None,
    every: bool,
    principal: Principal | None,
    as_json: bool,
) -> None:
    if len(decisions) > 1 and (every or interrupt_id):
        raise InvalidInput("With --all or --interrupt there is one decision.")

    async def work(server: AgentServer) -> None:
        ids = [interrupt.id for interrupt in await server.interrupts(agent_id)] if every else [interrupt_id]
        named = [Answering(decision=decisions[0], interrupt_id=one) for one in ids]
        try:
            given = named if every or interrupt_id else decisions
            accepted = await server.resume(agent_id, given, principal=principal, channel=CHANNEL)
        except CannotResume as error:
            if isinstance(error, DecisionRefused):
                raise explained(error, agent_id, error.interrupt_id, principal is not None) from None
            if error.status != Status.INTERRUPTED:
                raise
            hint = f"`sagents info {agent_id}` shows what waits; --interrupt ID decides one of several, --all all alike"
            raise CannotResume(agent_id, error.status, f"{error}. {hint}") from None
        open_ones = [one for one in accepted.decisions if one.status == "pending"]
        value: dict[str, Any] = {
            "agent_id": agent_id,
            "decisions": [answer.type for answer in decisions],
            "answers": [whole(one) for one in accepted.decisions],
        }
        agree = ", ".join(f"{one.approvals} of {one.required}" for one in open_ones)
        show(value, f"{agent_id} waits for more people: {agree} agree" if open_ones else f"{agent_id} goes on", as_json)

    connected(work)


def cancel(agent_id: str, reason: str | None, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        accepted = await server.cancel(agent_id, reason)
        show({"agent_id": agent_id, "status": accepted.status}, str(accepted.status), as_json)

    connected(work)


def stop(agent_id: str, reason: str | None, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        result = await server.stop(agent_id, reason)
        show({"agent_id": agent_id, "result": result}, result.replace("_", " "), as_json)

    connected(work)


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"{text!r} is neither an option nor a scope; write NAME=VALUE")
    return name, value
