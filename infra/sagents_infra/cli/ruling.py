"""What the commands about remembered decisions do."""

from collections.abc import Sequence
from datetime import UTC, datetime

import typer

from sagents import InvalidInput, SagentsError
from sagents.client import AgentServer
from sagents.principal import Principal
from sagents.rules import Rule
from sagents_infra.cli.drawing_log import rules_table
from sagents_infra.cli.failing import FAILED, NOT_FOUND
from sagents_infra.cli.output import show, whole
from sagents_infra.cli.reaching import connected


class RuleNotFound(SagentsError):
    """No remembered decision has this id."""

    exit_code = NOT_FOUND

    def __init__(self, typed: str) -> None:
        super().__init__(
            f"No remembered decision begins with {typed!r}; `sagents approvals rules ls --all` lists them."
        )


def ls(agent_id: str | None, tool: str | None, ended: bool, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        rules = await server.rules(agent_id=agent_id, tool=tool, ended=ended)
        if as_json:
            return show([whole(rule) for rule in rules], "", True)
        return show(None, rules_table(rules, datetime.now(UTC)) if rules else "no decision is remembered", False)

    connected(work, store_is_enough=True)


def revoke(typed: Sequence[str], by: Principal, as_json: bool) -> None:
    async def work(server: AgentServer) -> list[tuple[Rule, bool]]:
        rules = await server.rules(ended=True)
        meant = [_pick(rules, one) for one in typed]
        return [(rule, await server.revoke_rule(rule.id, by.subject)) for rule in meant]

    done = connected(work, store_is_enough=True)
    if as_json:
        show([{"id": rule.id, "revoked": revoked} for rule, revoked in done], "", True)
    for rule, revoked in done if not as_json else ():
        typer.echo(f"{rule.id} {'revoked' if revoked else 'was revoked before'}", err=not revoked)
    if not all(revoked for _, revoked in done):
        raise typer.Exit(FAILED)


def _pick(rules: Sequence[Rule], typed: str) -> Rule:
    found = [rule for rule in rules if rule.id == typed] or [rule for rule in rules if rule.id.startswith(typed)]
    if len(found) > 1:
        raise InvalidInput(f"{typed!r} may be {' or '.join(rule.id for rule in found[:5])}. Write more of it.")
    if not found:
        raise RuleNotFound(typed)
    return found[0]
