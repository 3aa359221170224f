"""What the commands that look at waiting approvals do. They read the store: no agent is asked and no worker needed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import typer

from sagents import InvalidInput
from sagents.client import AgentServer
from sagents.inbox import InboxItem
from sagents.principal import Principal
from sagents_infra.cli.drawing_approvals import detail, moment, table
from sagents_infra.cli.failing import FAILED
from sagents_infra.cli.output import console, show, whole
from sagents_infra.cli.picking import brief_id, picked
from sagents_infra.cli.reaching import connected
from sagents_infra.cli.spans import span


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which approvals are listed, as options say it."""

    tool: str | None = None
    agent: str | None = None
    risk: str | None = None
    older_than: str | None = None
    arguments: tuple[str, ...] = ()
    status: str = "pending"
    claimed: bool | None = None
    tenant: str | None = None
    approver: Principal | None = None
    limit: int | None = None

    async def found(self, server: AgentServer) -> list[InboxItem]:
        arguments = [_named(text) for text in self.arguments]
        items = await server.inbox(
            status=None if self.status == "all" else self.status,
            tool=self.tool,
            risk=self.risk,
            tenant=self.tenant,
            approver=self.approver,
            claimed=self.claimed,
            older_than=None if self.older_than is None else span(self.older_than),
        )
        fitting = [
            item
            for item in items
            if self.agent in (None, item.agent, item.agent_id)
            and all(_is(item.interrupt.arguments, name, text) for name, text in arguments)
        ]
        return fitting[: self.limit]


def ls(filters: Filters, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        items, now = await filters.found(server), datetime.now(UTC)
        if as_json:
            return show([_value(item, now) for item in items], "", True)
        return show(None, table(items, now) if items else "nothing waits for people", False)

    connected(work, store_is_enough=True)


def show_one(approval: str, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        [item] = await picked(server, [approval])
        now = datetime.now(UTC)
        if as_json:
            return show(_value(item, now), "", True)
        return console().print(detail(item, now))

    connected(work, store_is_enough=True)


def claim(approvals: Sequence[str], by: Principal, for_: str, release: bool, as_json: bool) -> None:
    time = span(for_)

    async def work(server: AgentServer) -> None:
        done = [
            await (_released(server, item, by.subject) if release else _claimed(server, item, by.subject, time))
            for item in await picked(server, approvals)
        ]
        if as_json:
            show([value for value, _ in done], "", True)
        else:
            for value, text in done:
                typer.echo(text, err=not value["done"])
        if not all(value["done"] for value, _ in done):
            raise typer.Exit(FAILED)

    connected(work, store_is_enough=True)


Done = tuple[dict[str, Any], str]


async def _claimed(server: AgentServer, item: InboxItem, by: str, time: Any) -> Done:
    claim = await server.claim(item.agent_id, item.interrupt.id, by, for_=time)
    whose = "yours" if claim.by == by else f"looked after by {claim.by}"
    text = f"{brief_id(item.interrupt.id)} is {whose} until {moment(claim.until)}"
    return {**whole(claim), "done": claim.by == by}, text


async def _released(server: AgentServer, item: InboxItem, by: str) -> Done:
    released = await server.release(item.agent_id, item.interrupt.id, by)
    text = "is free again" if released else f"is looked after by {item.claim.by if item.claim else 'somebody else'}"
    value = {"agent_id": item.agent_id, "interrupt_id": item.interrupt.id, "done": released}
    return value, f"{brief_id(item.interrupt.id)} {text}"


def _value(item: InboxItem, now: datetime) -> dict[str, Any]:
    return {**whole(item), "status": item.status(now), "interrupt": whole(item.interrupt)}


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise InvalidInput(f"{text!r} names no argument; write --argument NAME=VALUE.")
    return name, value


def _is(arguments: Mapping[str, Any] | None, name: str, text: str) -> bool:
    """Whether an argument has this value: `7` is the number as well as the text."""
    if name not in (arguments or {}):
        return False
    found = (arguments or {})[name]
    if found == text:
        return True
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return bool(found == value and isinstance(found, bool) == isinstance(value, bool))
