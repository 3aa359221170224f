"""The first message over HTTP in a new process: its answer, up to what Temporal says, which is given here.

Run by the benchmark `imports`, each time in a process of its own. Everything else is real: the door, the wiring, a
store in a file, the payload converter.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

AGENT, OWNER = "conversation-7", "ann"
CLAIMS = {"sub": OWNER, "scope": "sagents:write"}


def answer() -> None:
    """Take one message. Raises where the answer is not that of an agent that took it."""
    from sagents_infra.http import handler
    from sagents_infra.http.options import HttpOptions

    handler._open = _open  # everything but the connection itself
    options = HttpOptions()
    door = handler.Door(handler.office_of(options), options)
    answered = door(_event())
    assert answered["statusCode"] == 202, answered


async def _open() -> Any:
    from temporalio.client import Client

    from sagents_infra import wiring
    from sagents_infra.settings import Settings

    settings = Settings()
    told: dict[str, Any] = {**wiring.temporal_options(settings), "lazy": True, "interceptors": [_answering()]}
    return wiring.outside_of(settings, await Client.connect(**told))


def _answering() -> Any:
    """An interceptor in the place of the network: an agent has taken the update."""
    from temporalio.api.update.v1 import Outcome
    from temporalio.client import Interceptor, OutboundInterceptor, WorkflowUpdateHandle

    class Answering(OutboundInterceptor):
        async def start_workflow_update(self, input: Any) -> WorkflowUpdateHandle[Any]:
            client = self.next._client  # type: ignore[attr-defined] # there is no other way to it
            await client.data_converter.encode(input.args)
            outcome = Outcome()
            said = {"id": input.args[0]["id"], "status": "running"}
            outcome.success.payloads.extend(await client.data_converter.encode([said]))
            return WorkflowUpdateHandle(
                client, input.update_id, input.id, known_outcome=outcome, result_type=input.ret_type
            )

    class Answers(Interceptor):
        def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
            return Answering(next)

    return Answers()


def _event() -> dict[str, Any]:
    """As API Gateway hands it over."""
    until = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
    path = "/conversations/7/messages"
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "body": '{"content": "Where is my order 7?"}',
        "isBase64Encoded": False,
        "requestContext": {
            "stage": "$default",
            "http": {"method": "POST", "path": path},
            "authorizer": {"jwt": {"claims": {**CLAIMS, "exp": str(until)}}},
        },
    }


async def prepare() -> None:
    """Put a conversation into the store that the settings name; it waits for its owner."""
    from sagents.ports import Save
    from sagents_infra import wiring
    from sagents_infra.settings import Settings

    settings = Settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    store = wiring.agent_store(settings)
    await store.take_over(AGENT, "run", 0)
    head = f'{{"head": {{"agent": {{"name": "support", "scope": {{"owner": "{OWNER}"}}}}}}}}'
    await store.save(Save(agent_id=AGENT, workflow_run_id="run", seq=0, head=head))


if __name__ == "__main__":
    if sys.argv[1:] == ["prepare"]:
        asyncio.run(prepare())
    else:
        answer()
        os._exit(0)
