"""A process that writes to an SQLite store and prints a line for each write that was confirmed."""

import asyncio
import itertools
import sys
from datetime import UTC, datetime
from pathlib import Path

from sagents.events import Event
from sagents.ports import Base, News, Save, Segment
from sagents_infra.stores import SqliteStore


async def fill(store: SqliteStore, agent_id: str, times: int | None) -> None:
    await store.take_over(agent_id, "run", 0)
    for n in itertools.count(1):
        await store.put_once(agent_id, f"step-{n}", f'"{n}"', "run")
        parent = Base(position=n - 1, digest=str(n - 1) if n > 1 else "")
        segment = Segment(base=Base(position=n, digest=str(n)), parent=parent, operations=f"{n:010}" + "x" * 5_000)
        head = f'{{"base":"{n}"}}'
        await store.save(
            Save(agent_id=agent_id, workflow_run_id="run", seq=n, head=head, base=segment.base, segment=segment)
        )
        print(n, flush=True)
        if n == times:
            return


async def race(store: SqliteStore, name: str) -> None:
    for n in range(100):
        print(await store.put_once("shared", f"step-{n}", f'"{name}:{n}"', "run"), flush=True)


async def announce(store: SqliteStore, name: str) -> None:
    """Events in slots that every process wants, and in slots of its own; prints each with the id it got."""
    for n in range(50):
        news = [a_news(f"step-{n}", name), a_news(f"{name}-{n}", name)]
        for one, event in zip(news, await store.append("shared", news, "run"), strict=True):
            print(one.slot, event.id, event.data["by"], flush=True)


def a_news(slot: str, name: str) -> News:
    return News(slot=slot, event=Event(agent_id="shared", type="test", at=datetime.now(UTC), data={"by": name}))


async def main(path: str, job: str, name: str) -> None:
    store = SqliteStore(Path(path))
    match job:
        case "fill":
            await fill(store, name, times=100)
        case "race":
            await race(store, name)
        case "announce":
            await announce(store, name)
        case _:
            await fill(store, name, times=None)
    store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
