"""What `sagents schedule` does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sagents_infra.cli.output import show
from sagents_infra.cli.places import use_dev_server
from sagents_infra.cli.spans import span
from sagents_infra.schedules import Planned, Reminder, Schedules, times
from sagents_infra.settings import Settings
from sagents_infra.wiring import connect_temporal

T = TypeVar("T")


def create(name: str, reminder: Reminder, every: str, cron: str, time_zone: str, as_json: bool) -> None:
    spec = times(span(every) if every else None, cron, time_zone)
    _with(lambda schedules: schedules.create(name, reminder, spec))
    told = f"{name} tells {reminder.agent_id} {'every ' + every if every else 'at ' + cron}"
    show({"name": name, "agent_id": reminder.agent_id}, told, as_json)


def ls(as_json: bool) -> None:
    async def all_of(schedules: Schedules) -> list[Planned]:
        return sorted([planned async for planned in schedules.all()], key=lambda planned: planned.name)

    found = _with(all_of)
    show([_whole(planned) for planned in found], "\n".join(map(_line, found)) or "no schedules", as_json)


def delete(name: str, as_json: bool) -> None:
    _with(lambda schedules: schedules.delete(name))
    show({"name": name, "deleted": True}, f"{name} has ended", as_json)


def _with(work: Callable[[Schedules], Awaitable[T]]) -> T:
    async def connected() -> T:
        settings = Settings()
        use_dev_server(settings.home)
        return await work(Schedules(await connect_temporal(settings), settings.task_queue))

    return asyncio.run(connected())


def _whole(planned: Planned) -> dict[str, Any]:
    return {
        "name": planned.name,
        **planned.reminder.model_dump(),
        "agent_id": planned.reminder.agent_id,
        "is_paused": planned.is_paused,
        "next_at": planned.next_at.isoformat() if planned.next_at else None,
    }


def _line(planned: Planned) -> str:
    when = "paused" if planned.is_paused else f"{planned.next_at:%Y-%m-%d %H:%M:%S}" if planned.next_at else "over"
    return f"{planned.name}  {when}  {planned.reminder.agent_id}  {planned.reminder.text}"
