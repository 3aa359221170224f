"""Whatever is sent, the door has an answer that its own document describes, and never a bug."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.service import RPCError, RPCStatusCode

from sagents import contract
from sagents.contract import Accepted
from sagents.status import Status
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.http import happenings
from sagents_infra.http.handler import Door
from sagents_infra.http.identity import SCOPES
from sagents_infra.http.office import Office
from sagents_infra.http.options import HttpOptions
from sagents_infra.identity import KeyRing
from sagents_infra.notify import MemoryNotifier
from sagents_infra.presence import MemoryPresence
from sagents_infra.settings import Settings
from sagents_infra.stores.sqlite import SqliteStore
from sagents_infra.wiring import Outside
from tests.infra.http.asking import Answer, Front, Person, desk_app, event
from tests.infra.http.test_talking import happened, idle
from tests.support.openapi import Operation, Request, operations_of

EXAMPLES = 25
OPTIONS = HttpOptions(rate=0, patience_ms=500)
BOSS = Person("ann", tenant="acme", scopes=SCOPES)


class Asleep:
    """A Temporal where nobody runs: who is told something is woken by it, and takes it."""

    service_client = SimpleNamespace(check_health=lambda **_: asyncio.sleep(0, True))

    def get_workflow_handle(self, *_: object, **__: object) -> Any:
        return self

    async def start_workflow(self, *_: object, **__: object) -> Any:
        return self

    async def execute_update_with_start_workflow(self, name: str, payload: Any, **given: Any) -> Accepted:
        if name in (contract.DECIDE, contract.RESUME):
            await self.nobody()
        return Accepted(id=given["id"], status=Status.RUNNING)

    async def nobody(self, *_: object, **__: object) -> Any:
        raise RPCError("nobody runs", RPCStatusCode.NOT_FOUND, b"")

    execute_update = query = signal = describe = result = terminate = nobody

    async def fetch_history_events(self, **_: object) -> AsyncIterator[Any]:
        await self.nobody()
        yield None

    async def list_workflows(self, *_: object, **__: object) -> AsyncIterator[Any]:
        none: tuple[Any, ...] = ()
        for one in none:
            yield one


def front_of(folder: Path, suffix: str) -> Front:
    """A door over what the store has, and agents that all sleep."""
    from sagents.memory_blobs import MemoryBlobs

    client: Any = Asleep()

    async def opening(*_: object) -> Any:
        return Outside(
            client=client,
            store=SqliteStore(folder / "store.db"),
            channel=MemoryChannel(),
            presence=MemoryPresence(),
            signer=KeyRing.fresh(),
            notifier=MemoryNotifier(),
            blobs=MemoryBlobs(),
            settings=Settings(home=folder),
        )

    office = Office(opening, opening, patience=OPTIONS.patience, idle=timedelta(hours=1))
    return Front(Door(office, OPTIONS), suffix)


def ask(front: Front, request: Request) -> Answer:
    """As it is, with a mail program's or a program's word for what it reads."""
    who = BOSS
    claims = {**who.claims, "tenant": f"acme{front.suffix}"}
    headers = {"accept": "application/json", **request.headers}
    asked = event(request.operation.method, request.address, None, claims=claims, headers=headers, query=request.query)
    if request.sent is not None:
        asked |= {"body": request.sent, "isBase64Encoded": request.encoded != "plain"}
    raw = front.door(asked)
    return Answer(raw["statusCode"], raw["headers"], raw["body"])


def hold(front: Front, operation: Operation, known: dict[str, list[str]]) -> set[int]:
    """Send many requests; the statuses that came."""
    found: set[int] = set()

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def send(data: st.DataObject) -> None:
        request = data.draw(operation.requests(known))
        answer = ask(front, request)
        found.add(answer.status)
        unknown_agents = operation.path == "/agents" and answer.problem == "agents-unknown"
        assert answer.status < 500 or unknown_agents, answer.body
        if answer.problem == "route-not-found" and "{" in operation.path:
            return  # a `/` in an id makes another address of it
        operation.check(answer.status, answer.headers["Content-Type"], answer.body)

    send()
    return found


@pytest.mark.asyncio
async def test_every_request_has_an_answer_that_the_document_describes(
    serve: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over agents that sleep, one of them over an approval: their words, rows and events are real ones."""
    monkeypatch.delenv("SAGENTS_APP", raising=False)
    async with serve(desk_app()) as (live, _):
        for agent, name in (("echo", "7"), ("desk", "8")):
            await live.post("/conversations", {"agent": agent, "conversation_id": name, "message": "Refund 7"})
            await happened(live, name, "llm_message")
            await idle(live, name)
        await happened(live, "8", "approval.requested")
        waiting = (await live.get("/interrupts", who=BOSS)).json["interrupts"]
        for name in ("7", "8"):
            assert (await live.post(f"/conversations/{name}/stop")).json == {"outcome": "stopped"}

    async def at_once(*_: object) -> None:
        """Nothing is waited for."""

    monkeypatch.setattr(happenings, "heard", at_once)
    front = front_of(tmp_path, live.suffix)
    document = front.ask_now("GET", "/openapi.json", who=None).json
    operations = sorted(operations_of(document), key=lambda one: one.method == "DELETE")
    ids = {"conversations": ["7", "8"], "interrupts": [waiting[0]["id"]]}
    met = {}
    for operation in operations:
        known = {"id": ids.get(operation.path.split("/")[1], [])}
        try:
            met[operation.name] = await asyncio.to_thread(hold, front, operation, known)
        except Exception as error:
            error.add_note(f"{operation.name}")
            raise
    await asyncio.to_thread(front.door.office.close)
    taken = {name for name, statuses in met.items() if any(status < 300 for status in statuses)}
    assert len(taken) >= 13, met
