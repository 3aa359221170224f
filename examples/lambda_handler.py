"""An agent told by a Lambda function of your own: its handler is `examples.lambda_handler.handler`."""

from functools import cache
from typing import Any

from sagents.client import SyncAgentServer

agents = cache(SyncAgentServer.connect)  # by the first event, and kept while the function stays warm


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    session = agents().start("desk", conversation_id=event["order"])
    accepted = agents().add_message(session.agent_id, event["text"], id=context.aws_request_id)
    return {"agent_id": session.agent_id, "message_id": accepted.id}
