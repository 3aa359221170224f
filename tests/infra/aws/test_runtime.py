"""Every function of template.yaml under AWS's own runtime client: answers, errors, logs, freezing, deadlines."""

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest

from sagents_infra.dev_server import DevServer, free_port
from tests.infra.aws.asked import ADMISSION, GATEWAYS_ID, admission, happening, record, request, socket
from tests.infra.aws.deployed import Stack, stack, working
from tests.infra.aws.templates import NAMES
from tests.infra.aws.visitor import Visitor, ask, until
from tests.infra.http.asking import Person
from tests.support.api_gateway import ApiGateway
from tests.support.dead_line import line_to
from tests.support.lambda_runtime import BINARY, IS_HERE
from tests.support.lambdas import Lambdas

pytestmark = [
    pytest.mark.skipif(not IS_HERE, reason="Lambda's emulator is a program for Linux on x86_64 and arm64"),
    pytest.mark.timeout(240),
]

DOORS = ("ApiFunction", "SocketFunction", "TriggerFunction")
"""What talks to Temporal, and is frozen between two requests."""

DONE = {"statusCode": 200}


@pytest.fixture(scope="module")
def deployed(
    invoking_server: DevServer,
    account: Lambdas,
    s3_url: str,
    tables_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    assert BINARY.exists(), "`make test` sets the emulator up; so does `python tools/set_up.py emulator`."
    folder = tmp_path_factory.mktemp("functions")
    with ExitStack() as opened:
        gateway = opened.enter_context(ApiGateway().serving())
        found = opened.enter_context(stack(folder, invoking_server.address, gateway, s3_url, tables_url))
        opened.enter_context(working(found, account, invoking_server.address))
        yield found


@pytest.fixture
def ann(deployed: Stack) -> Visitor:
    return Visitor(deployed, Person("ann", tenant=f"acme-{uuid4().hex[:8]}"))


@pytest.fixture
def conversation() -> str:
    """The id of one that events are about."""
    return f"c-{uuid4().hex[:8]}"


def told(deployed: Stack, conversation: str) -> list[str]:
    """What events have told an agent."""
    rows = asyncio.run(deployed.store.rows(f"conversation-{conversation}"))
    return sorted(row.text for row in rows if row.message_type == "user")


def test_message_by_http_is_answered_by_a_worker_that_temporal_invokes(ann: Visitor) -> None:
    ann.begin()
    first, *_, last = ann.say("Grüße, 你好 👋")
    assert first == "Grüße, 你好 👋"
    assert "word_count says: 3" in last


def test_refusals_are_answers_of_the_function_and_no_errors(deployed: Stack, ann: Visitor) -> None:
    refused = [
        ask(deployed, "GET", "/conversations", who=None),
        ask(deployed, "GET", "/conversations", who=Person("ann", scopes=("other:read",))),
        ask(deployed, "GET", "/conversations/nobodys", who=ann.who),
        ask(deployed, "GET", "/nothing-is-here", who=ann.who),
        ask(deployed, "POST", "/conversations", {"agent": 7}, who=ann.who),
        ask(deployed, "POST", "/conversations/7/messages", {"content": "x" * 3_000_000}, who=ann.who),
        ask(deployed, "POST", "/conversations", "{", who=ann.who),
    ]
    assert [answer.status for answer in refused] == [401, 403, 404, 404, 422, 413, 400]
    assert all(answer.problem for answer in refused)


def test_health_and_the_document_need_nobody_and_answers_have_the_invocations_id(deployed: Stack) -> None:
    health, document = (ask(deployed, "GET", path, who=None) for path in ("/health", "/openapi.json"))
    assert (health.status, document.status) == (200, 200)
    assert document.json["openapi"].startswith("3.1")
    assert len({health.headers["X-Request-Id"], document.headers["X-Request-Id"], GATEWAYS_ID}) == 3


def test_authorizer_lets_in_who_has_a_ticket_of_the_api(deployed: Stack, ann: Visitor) -> None:
    ticket = ann.ticket()
    answers = [deployed.function("AuthorizerFunction").invoke(admission(text)) for text in (ticket, f"{ticket}AA", "")]
    said = [answer["policyDocument"]["Statement"] for answer in answers]
    assert [(one["Effect"], one["Resource"]) for (one,) in said] == [
        ("Allow", ADMISSION),
        ("Deny", ADMISSION),
        ("Deny", ADMISSION),
    ]
    assert answers[0]["principalId"] == "ann"
    assert answers[0]["context"] == {"subject": "ann", "tenant": ann.who.tenant}


def test_ticket_opens_one_connection_which_hears_the_agent(deployed: Stack, ann: Visitor) -> None:
    ann.begin()
    ticket, connection, heard = ann.ticket(), f"{uuid4().hex[:12]}=", list[dict[str, Any]]()
    deployed.gateway.connect(connection, heard.append)
    tell = deployed.function("SocketFunction").invoke
    assert tell(socket("$connect", connection, ticket=ticket)) == DONE
    assert tell(socket("$connect", "other=", ticket=ticket))["statusCode"] == 401  # it was used
    for frame in (
        {"type": "ping"},
        {"type": "subscribe", "conversation": "7"},
        {"type": "send", "conversation": "7", "text": "One two", "id": "m1"},
        {"type": "nonsense"},
    ):
        assert tell(socket("$default", connection, frame)) == DONE
    answers = [frame["type"] for frame in heard if frame["type"] != "events"]
    assert answers == ["pong", "subscribed", "sent", "problem"]
    until(lambda: [one for frame in heard for one in frame.get("events", ()) if one["type"] == "llm_message"])
    assert tell(socket("$disconnect", connection)) == DONE


def test_of_a_batch_only_bad_records_come_again_and_what_comes_twice_is_told_once(
    deployed: Stack, conversation: str
) -> None:
    good, more = record(conversation), record(conversation, "more")
    bad, half = record(None), record(f"{conversation}-half", "\ud800")  # half a character: none that can be kept
    for _ in range(2):
        answer = deployed.function("TriggerFunction").invoke({"Records": [good, bad, more, half]})
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        assert failed == {bad["messageId"], half["messageId"]}
    until(lambda: len(told(deployed, conversation)) >= 2)
    assert told(deployed, conversation) == ["hello", "more"]


def test_event_that_becomes_no_message_is_told_as_the_runtime_tells_errors(deployed: Stack, conversation: str) -> None:
    invoke = deployed.function("TriggerFunction").invoke
    failed = invoke(happening(["no", "name"]))
    assert failed["errorType"] == "InvalidInput"
    assert "names a conversation" in failed["errorMessage"]
    assert failed["stackTrace"]
    assert invoke(happening(conversation)) is None  # the process goes on
    until(lambda: told(deployed, conversation) == ["An order"])


def test_frozen_doors_go_on_though_their_connections_died_meanwhile(
    deployed: Stack, ann: Visitor, conversation: str
) -> None:
    ann.begin()
    connection, heard = f"{uuid4().hex[:12]}=", list[dict[str, Any]]()
    deployed.gateway.connect(connection, heard.append)
    assert deployed.function("SocketFunction").invoke(socket("$connect", connection, ticket=ann.ticket())) == DONE

    def tell_all(text: str) -> None:
        """Something that each of them needs Temporal for."""
        send = {"type": "send", "conversation": "7", "text": text, "id": text}
        asked = {
            "ApiFunction": request("POST", "/conversations/7/messages", {"content": text}, who=ann.who),
            "SocketFunction": socket("$default", connection, send),
            "TriggerFunction": {"Records": [record(conversation, text)]},
        }
        with ThreadPoolExecutor() as threads:
            api, sockets, trigger = threads.map(lambda name: deployed.function(name).invoke(asked[name]), DOORS)
        assert (api["statusCode"], sockets, trigger) == (202, DONE, {"batchItemFailures": []})
        assert heard[-1]["type"] == "sent"

    tell_all("before")
    functions = [deployed.function(name) for name in DOORS]
    processes, connected = [function.pid for function in functions], deployed.line.connections
    with ExitStack() as pause:
        for function in functions:
            pause.enter_context(function.frozen())
        deployed.line.forget()
    tell_all("after")
    assert [function.pid for function in functions] == processes
    assert deployed.line.connections >= connected + len(functions)


def test_frozen_worker_works_again_when_it_is_invoked_again(deployed: Stack, ann: Visitor) -> None:
    worker = deployed.function("WorkerFunction")
    ann.begin()
    ann.say("one")
    process = worker.pid
    with worker.frozen():
        deployed.workers_line.forget()
    ann.say("two")
    assert worker.pid == process


def test_worker_that_finds_no_temporal_fails_and_the_next_one_leaves_before_its_deadline(
    deployed: Stack, invoking_server: DevServer
) -> None:
    port, changes = free_port(), {"TaskQueue": f"{deployed.name}-deadline", "IdleExitMs": "600000"}
    patient = deployed.another("WorkerFunction", 12, TemporalAddress=f"127.0.0.1:{port}", **changes)
    assert patient.invoke({})["errorType"] == "RuntimeError"
    with line_to(invoking_server.address, port):
        began = time.monotonic()
        assert patient.invoke({}) is None  # and is not cut after the 12 s
        assert time.monotonic() - began > 6


def test_worker_without_a_version_says_so_as_an_error_of_the_function(deployed: Stack) -> None:
    failed = deployed.another("WorkerFunction", BuildId="").invoke({})
    assert failed["errorType"] == "InvalidInput"
    assert "SAGENTS_BUILD_ID is not set" in failed["errorMessage"]


@pytest.mark.parametrize("name", NAMES)
def test_what_functions_log_is_one_object_a_line(deployed: Stack, name: str) -> None:
    """Of all that was logged in the tests before."""
    function = deployed.function(name)
    function.invoke({})  # no event of theirs: the doors have something to say
    assert function.logged
    assert [line for line in function.logged if not isinstance(_read(line), dict)] == []


def test_log_says_which_secret_nobody_has_filled_and_no_secret(deployed: Stack) -> None:
    deployed.function("TriggerFunction").invoke({})
    lines = [json.loads(line) for line in deployed.function("TriggerFunction").logged]
    named = {line.get("address") for line in lines if line.get("event") == "secret is not filled"}
    assert named == {deployed.values["TemporalSecret.Id"]}
    assert all(deployed.key not in deployed.function(name).told for name in NAMES)


def _read(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
