"""An agent behind FastAPI: `fastapi run examples/web_fastapi.py`, beside `sagents dev --app examples.refunds:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from sagents import AgentServer


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.agents = await AgentServer.connect()
    yield
    app.state.agents.close()


app = FastAPI(lifespan=lifespan)


@app.post("/orders/{order}/messages", status_code=202)
async def tell(order: str, text: str) -> dict[str, Any]:
    session = await app.state.agents.start("desk", conversation_id=order)
    accepted = await app.state.agents.add_message(session.agent_id, text)
    return {"agent_id": session.agent_id, "message_id": accepted.id}
