"""What the commands that decide approvals do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from sagents import Decision, InvalidInput, SagentsError
from sagents.client import AgentServer
from sagents.client.server import DecidedItem
from sagents.contract import DecisionAnswer
from sagents.decision_log import Remember
from sagents.principal import Principal
from sagents_infra.cli.failing import FAILED, complain, exit_code, problem_of
from sagents_infra.cli.hints import explained
from sagents_infra.cli.identity import CHANNEL
from sagents_infra.cli.output import show, whole
from sagents_infra.cli.picking import brief_id, picked
from sagents_infra.cli.reaching import connected


@dataclass(frozen=True)
class By:
    """Who decides (nobody: an operator), what is remembered of it, and which call is meant."""

    principal: Principal | None = None
    remember: Remember | None = None
    digest: str | None = None


def decide(approvals: Sequence[str], decision: Decision, by: By, as_json: bool) -> None:
    """The same decision about one approval or several; each is about the call that the inbox shows."""

    async def work(server: AgentServer) -> list[DecidedItem]:
        items = await picked(server, approvals, closed=True)
        if by.digest is not None and len(items) > 1:
            raise InvalidInput("A digest is of one call; decide about one approval with it.")
        if by.digest is not None:
            items = [items[0].but(interrupt=items[0].interrupt.but(digest=by.digest))]
        return await server.decide_all(items, decision, principal=by.principal, remember=by.remember, channel=CHANNEL)

    decided = [_explained(one, by) for one in connected(work)]
    if len(approvals) == 1 and decided[0].error is not None:
        raise decided[0].error
    if as_json:
        values = [_value(one) for one in decided]
        show(values[0] if len(approvals) == 1 else values, "", True)
    else:
        for one in decided:
            _say(one)
    codes = {exit_code(one.error) or FAILED for one in decided if one.error is not None}
    if codes:
        raise typer.Exit(codes.pop() if len(codes) == 1 else FAILED)


def _say(one: DecidedItem) -> None:
    name = f"{one.item.agent_id}/{brief_id(one.item.interrupt.id)}"
    if one.answer is not None:
        typer.echo(f"{name} {_words(one.answer)}")
    elif one.error is not None:
        complain(one.error)


def _words(answer: DecisionAnswer) -> str:
    if answer.status == "pending":
        return f"waits for more people: {answer.approvals} of {answer.required} agree"
    return f"{answer.status} by {answer.by}" if answer.by else str(answer.status)


def _value(one: DecidedItem) -> dict[str, Any]:
    named = {"agent_id": one.item.agent_id, "interrupt_id": one.item.interrupt.id}
    if one.answer is not None:
        return {**named, **whole(one.answer)}
    return {**named, "error": problem_of(one.error or SagentsError("nothing came back"))}


def _explained(one: DecidedItem, by: By) -> DecidedItem:
    if one.error is None:
        return one
    item = one.item
    return DecidedItem(item, error=explained(one.error, item.agent_id, item.interrupt.id, by.principal is not None))
