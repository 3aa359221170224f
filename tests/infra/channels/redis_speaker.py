"""A process that announces events through Redis, once it is told to."""

import asyncio
import sys
from datetime import UTC, datetime

from sagents.events import Event
from sagents_infra.channels.redis_streams import RedisChannel


async def main(url: str, agent_id: str, times: int) -> None:
    channel = RedisChannel(url)
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(times):
        await channel.publish(agent_id, [Event(agent_id=agent_id, type="delta", at=datetime.now(UTC), data={"n": n})])
    channel.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
