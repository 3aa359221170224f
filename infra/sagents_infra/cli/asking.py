"""Commands that ask about agents."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from sagents import AgentNotFound, InvalidInput, Message, State, Status
from sagents.client import AgentServer
from sagents.contract import AgentInfo
from sagents_infra.cli.drawing import TODO, Screen, call_text
from sagents_infra.cli.output import brief, console, facts, show, whole
from sagents_infra.cli.questions import questions
from sagents_infra.cli.reaching import connected

ICONS = {"user": "you", "assistant": "agent", "tool": "tool", "system": "system"}


def status(agent_id: str, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        answer = await server.get_status(agent_id)
        show({"agent_id": agent_id, "status": answer}, str(answer), as_json)

    connected(work)


def info(agent_id: str, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        answer = await server.agent_info(agent_id)
        if answer is None:
            raise AgentNotFound(agent_id)
        show(whole(answer), facts(_figures(answer)), as_json)
        for question in await questions(server, agent_id) if answer.has_interrupt and not as_json else ():
            console().print(f"⏸ {question.text}\n  {question.command}")

    connected(work)


def state(agent_id: str, as_json: bool) -> None:
    async def work(server: AgentServer) -> None:
        answer = await server.get_state(agent_id)
        if as_json:
            return show({"agent_id": agent_id, **whole(answer)}, "", as_json)
        return console().print(transcript(answer))

    connected(work)


def ls(pattern: str, status: str | None, tenant: str | None, as_json: bool) -> None:
    wanted = _status(status)

    async def work(server: AgentServer) -> None:
        found = await server.list_agents_matching(pattern, status=wanted, tenant=tenant)
        show(found, "\n".join(found) if found else "no agent runs", as_json)

    connected(work)


def count(status: str | None, tenant: str | None, as_json: bool) -> None:
    wanted = _status(status)

    async def work(server: AgentServer) -> None:
        answer = await server.agent_count(status=wanted, tenant=tenant)
        show({"count": answer}, str(answer), as_json)

    connected(work)


def _status(name: str | None) -> Status | None:
    if name is None:
        return None
    if name not in tuple(Status):
        raise InvalidInput(f"{name!r} is no status; write one of {', '.join(Status)}.")
    return Status(name)


def watch(agent_id: str, after: int | None, as_json: bool) -> None:
    """Until Ctrl-C."""

    async def work(server: AgentServer) -> None:
        screen = Screen(console(), statuses=True)
        async for event in server.watch(agent_id, after):
            if as_json:
                print(event.model_dump_json(), flush=True)
            else:
                screen.draw(event)

    connected(work)


def transcript(state: State) -> Group:
    """A conversation to read: who said what, calls and results on one line each, todos behind it."""
    table = Table.grid(padding=(0, 1))
    for message in state.messages:
        for line, style in _lines(message):
            table.add_row(Text(ICONS.get(message.role, message.role), style="dim"), Text(line, style=style))
    todos = [Text(f"{TODO[todo.status]} {todo.content}") for todo in state.todos]
    return Group(table, *todos)


def _lines(message: Message) -> list[tuple[str, str]]:
    lines = [(message.text, "")] if message.text else []
    lines += [(f"▶ {call_text(call.name, call.arguments)}", "cyan") for call in message.tool_calls]
    for result in message.tool_results:
        mark, style = ("✗", "red") if result.is_error else ("⏸", "yellow") if result.is_interrupt else ("✓", "green")
        lines.append((f"{mark} {result.name}: {brief(result.text)}", style))
    return lines


def _figures(info: AgentInfo) -> dict[str, object]:
    error = f"{info.error.type}: {info.error.message}" if info.error else None
    minutes, seconds = divmod(info.uptime_ms // 1000, 60)
    return {
        "agent": f"{info.agent} ({info.agent_id})",
        "conversation": info.conversation_id,
        "status": info.status,
        "messages": str(info.message_count),
        "waiting messages": info.queued or None,
        "up for": f"{minutes} min {seconds} s",
        "error": error,
        "problem": info.problem,
        "history": f"{info.history_events} events, {info.history_bytes:,} bytes",
    }
