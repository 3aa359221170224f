"""An agent behind Flask: `flask --app examples.web_flask run`, while `sagents dev --app examples.refunds:app` runs."""

from functools import cache
from typing import Any

from flask import Flask, request

from sagents.client import SyncAgentServer

app = Flask(__name__)
agents = cache(SyncAgentServer.connect)  # once per process, by the first request: servers fork before


@app.post("/orders/<order>/messages")
def tell(order: str) -> tuple[dict[str, Any], int]:
    session = agents().start("desk", conversation_id=order)
    accepted = agents().add_message(session.agent_id, request.get_json()["text"])
    return {"agent_id": session.agent_id, "message_id": accepted.id}, 202
