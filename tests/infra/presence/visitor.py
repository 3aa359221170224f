"""A process in which one person opens connections to a topic, and then closes the even ones."""

import asyncio
import sys
from pathlib import Path

from sagents.viewers import Viewer
from sagents_infra.presence import LocalPresence


async def main(path: str, topic: str, viewer: str, name: str) -> None:
    presence = LocalPresence(Path(path))
    for n in range(20):
        await presence.join(topic, Viewer(viewer=viewer, connections=(f"{name}-{n}",)))
    for n in range(0, 20, 2):
        await presence.leave(topic, viewer, f"{name}-{n}")
    presence.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
