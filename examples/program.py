"""A program that talks to agents: `python -m examples.program`, while `sagents dev --app examples.refunds:app` runs."""

import asyncio
from contextlib import aclosing

from sagents import AgentServer, Approve, Status


async def settle(server: AgentServer, order: str) -> str:
    """Give an order to the desk, approve what it wants to do, and return its last words."""
    session = await server.start("desk", conversation_id=order)
    await server.add_message(session.agent_id, f"Order {order} never came.")
    while (status := await server.get_status(session.agent_id)) is not Status.IDLE:
        if status is Status.INTERRUPTED:
            await server.resume(session.agent_id, Approve())
        await asyncio.sleep(0.1)
    return (await server.messages(session.agent_id))[-1].text


async def listen(server: AgentServer, agent_id: str) -> None:
    """Print what an agent announces, for as long as this task lives."""
    async with aclosing(server.watch(agent_id)) as events:
        async for event in events:
            print(event.type, dict(event.data))


async def main() -> None:
    server = await AgentServer.connect()
    watching = asyncio.create_task(listen(server, "conversation-7"))
    print(await settle(server, "7"))
    watching.cancel()


if __name__ == "__main__":
    asyncio.run(main())
