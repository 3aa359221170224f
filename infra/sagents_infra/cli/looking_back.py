"""What the commands that read logs of decisions do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from sagents import AgentNotFound, InvalidInput
from sagents.client import AgentServer
from sagents.decision_log import Row, departed
from sagents_infra.cli.drawing_log import log_table
from sagents_infra.cli.failing import FAILED
from sagents_infra.cli.output import show
from sagents_infra.cli.reaching import connected


def log(agent_id: str, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        rows = await _rows(server, agent_id)
        if as_json:
            for row in rows:
                print(row.model_dump_json())
        else:
            show(None, log_table(rows) if rows else "nobody was asked for anything", False)

    connected(work, store_is_enough=True)


def verify(agent_ids: Sequence[str], copy: Path | None, as_json: bool) -> None:
    """Without ids, the logs of all agents."""
    kept = None if copy is None else _copy(copy)

    async def work(server: AgentServer) -> list[dict[str, Any]]:
        checked = []
        for agent_id in agent_ids or await server.logged_agents():
            why = await server.verify_log(agent_id)
            rows = () if why else await _rows(server, agent_id)
            if kept is not None:
                why = why or departed(rows, kept)
            checked.append({"agent_id": agent_id, "rows": len(rows), "broken": why})
        return checked

    checked = connected(work, store_is_enough=True)
    if as_json:
        show(checked, "", True)
    else:
        for one in checked:
            text = f"broken: {one['broken']}" if one["broken"] else f"whole, {one['rows']} rows"
            typer.echo(f"{one['agent_id']} {text}")
        if not checked:
            typer.echo("no agent has a log of decisions")
    if any(one["broken"] for one in checked):
        raise typer.Exit(FAILED)


async def _rows(server: AgentServer, agent_id: str) -> list[Row]:
    rows = await server.decision_log(agent_id)
    if not rows and not await server.exists(agent_id):
        raise AgentNotFound(agent_id)
    return rows


def _copy(file: Path) -> list[Row]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return [Row.model_validate_json(line) for line in lines if line.strip()]
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from None
    except (ValidationError, UnicodeDecodeError):
        raise InvalidInput(f"{file} is no copy of a log; `sagents approvals log AGENT_ID --json` writes one.") from None
