"""What the commands of `lifetime` do."""

import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import typer

from sagents import AgentNotFound, InvalidInput, InvalidState
from sagents.client import AgentServer
from sagents_infra.cli.output import show
from sagents_infra.cli.reaching import connected

STDIN = Path("-")


def touch(agent_id: str, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        touched = await server.touch(agent_id)
        text = "touched" if touched else "active a moment ago; nothing changed"
        show({"agent_id": agent_id, "touched": touched}, text, as_json)

    connected(work)


def reset(agent_id: str, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        accepted = await server.reset(agent_id)
        show({"agent_id": agent_id, "status": accepted.status}, "reset", as_json)

    connected(work)


def export(agent_id: str, out: Path | None, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        exported = await server.export_state(agent_id)
        if out is None:
            return print(json.dumps(exported, ensure_ascii=False, indent=None if as_json else 2))
        _write(out, exported)
        return show({"agent_id": agent_id, "file": str(out)}, f"written to {out}", as_json)

    connected(work)


def import_(agent_id: str, file: Path, name: str | None, conversation: str | None, as_json: bool) -> None:
    exported = _read(file)

    async def work(server: AgentServer) -> None:
        started = False
        try:
            if name is None or await server.exists(agent_id):
                await server.restore_state(agent_id, exported)
            else:
                session = await server.start(name, agent_id=agent_id, conversation_id=conversation, exported=exported)
                started = session.started
        except InvalidState as error:
            raise InvalidInput(str(error)) from None
        show({"agent_id": agent_id, "started": started}, f"{agent_id} has it", as_json)

    connected(work)


def delete(agent_id: str, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        result = await server.delete(agent_id)
        if result == "not_found":
            raise AgentNotFound(agent_id)
        show({"agent_id": agent_id, "result": result}, result, as_json)

    connected(work)


def join(
    agent_id: str, words: list[str], connection: str | None, seconds: float | None, topic: str | None, as_json: bool
) -> None:
    viewer, lease = _one(words), None if seconds is None else timedelta(seconds=seconds)

    async def work(server: AgentServer) -> None:
        runs = await server.join(agent_id, viewer, connection=connection or "", lease=lease, topic=topic)
        value = {"agent_id": agent_id, "viewer": viewer, "running": runs}
        show(value, f"{viewer} looks" if runs else f"{viewer} looks; {agent_id} does not run", as_json)

    connected(work)


def leave(agent_id: str, words: list[str], connection: str | None, topic: str | None, as_json: bool) -> None:
    viewer = _one(words)

    async def work(server: AgentServer) -> None:
        runs = await server.leave(agent_id, viewer, connection=connection, topic=topic)
        show({"agent_id": agent_id, "viewer": viewer, "running": runs}, f"{viewer} looks no more", as_json)

    connected(work)


def _one(words: list[str]) -> str:
    if len(words) != 1:
        raise typer.BadParameter(f"one VIEWER is needed, not {' '.join(words)!r}")
    return words[0]


def _write(out: Path, exported: Mapping[str, Any]) -> None:
    try:
        out.write_text(json.dumps(exported, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{out} cannot be written: {error.strerror}.") from None


def _read(file: Path) -> Mapping[str, Any]:
    try:
        exported = json.loads(sys.stdin.read() if file == STDIN else file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise InvalidInput(f"{file} is no JSON: {error}.") from None
    if not isinstance(exported, dict):
        raise InvalidInput(f"{file} is no export; `sagents export` writes one.")
    return exported
