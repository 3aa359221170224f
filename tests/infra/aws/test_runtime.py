"""Every function of template.yaml under AWS's own runtime client: answers, errors, logs, freezing, deadlines."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest

from sagents_infra.dev_server import DevServer
from tests.infra.aws.deployed import Stack, stack, working
from tests.infra.aws.templates import NAMES
from tests.infra.http.asking import Answer, Person, event
from tests.support.api_gateway import ApiGateway
from tests.support.lambda_runtime import BINARY, IS_HERE
from tests.support.lambdas import Lambdas

pytestmark = [
    pytest.mark.skipif(not IS_HERE, reason="Lambda's emulator is a program for Linux on x86_64 and arm64"),
    pytest.mark.timeout(240),
]

DOORS = ("ApiFunction", "SocketFunction", "TriggerFunction")
"""What talks to Temporal, and is frozen between two requests."""


@pytest.fixture(scope="module")
def deployed(
    invoking_server: DevServer,
    account: Lambdas,
    s3_url: str,
    tables_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    assert BINARY.exists(), "`make test` sets the emulator up; so does `python tools/set_up.py emulator`."
    with ExitStack() as opened:
        gateway = opened.enter_context(ApiGateway().serving())
        folder = tmp_path_factory.mktemp("functions")
        found = opened.enter_context(stack(folder, invoking_server.address, gateway, s3_url, tables_url))
        opened.enter_context(working(found, account, invoking_server.address))
        yield found


@pytest.fixture
def who() -> Person:
    return Person("ann", tenant=f"acme-{uuid4().hex[:8]}")


def until(condition: Callable[[], Any], within: float = 60) -> Any:
    """What a condition gives once it holds."""
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {within} s in vain for {condition.__qualname__}"
        time.sleep(0.05)
    return found


# --- the HTTP API ---


def ask(deployed: Stack, method: str, path: str, body: Any = None, **given: Any) -> Answer:
    """A request as API Gateway hands it over."""
    asked = event(method, path, body, **given)
    asked["cookies"] = []
    asked["requestContext"] |= {
        "accountId": "123456789012", "apiId": "http", "domainName": "http.execute-api.us-east-1.amazonaws.com",
        "requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "time": "21/Nov/2026:12:00:00 +0000",
        "timeEpoch": 1795262400000,
    }  # fmt: skip
    raw = deployed.function("ApiFunction").invoke(asked)
    assert set(raw) <= {"statusCode", "headers", "multiValueHeaders", "cookies", "body", "isBase64Encoded"}, raw
    return Answer(raw["statusCode"], raw["headers"], raw["body"])


def answered(deployed: Stack, who: Person, text: str) -> list[str]:
    """Say something; what was said in the conversation, once the agent has answered and is idle."""
    taken = ask(deployed, "POST", "/conversations/7/messages", {"content": text}, who=who)
    assert taken.status == 202, taken.body

    def said() -> list[str]:
        rows = ask(deployed, "GET", "/conversations/7/messages", who=who).json["rows"]
        texts = [row["content"]["text"] for row in rows if row["content"].get("text")]
        is_idle = ask(deployed, "GET", "/conversations/7", who=who).json["status"] == "idle"
        return texts if is_idle and text in texts and "word_count says" in texts[-1] else []

    return list(until(said))


def begin(deployed: Stack, who: Person) -> None:
    begun = ask(deployed, "POST", "/conversations", {"agent": "helper", "conversation_id": "7"}, who=who)
    assert begun.status == 201, begun.body


def test_message_by_http_is_answered_by_a_worker_that_temporal_invokes(deployed: Stack, who: Person) -> None:
    begin(deployed, who)
    first, *_, last = answered(deployed, who, "Grüße, 你好 👋")
    assert first == "Grüße, 你好 👋"
    assert "word_count says: 3" in last


def test_refusals_are_answers_of_the_function_and_no_errors(deployed: Stack, who: Person) -> None:
    refused = [
        ask(deployed, "GET", "/conversations", who=None),
        ask(deployed, "GET", "/conversations", who=Person("ann", scopes=("other:read",))),
        ask(deployed, "GET", "/conversations/nobodys", who=who),
        ask(deployed, "GET", "/nothing-is-here", who=who),
        ask(deployed, "POST", "/conversations", {"agent": 7}, who=who),
        ask(deployed, "POST", "/conversations/7/messages", {"content": "x" * 3_000_000}, who=who),
        ask(deployed, "POST", "/conversations", "{", who=who),
    ]
    assert [answer.status for answer in refused] == [401, 403, 404, 404, 422, 413, 400]
    assert all(answer.problem for answer in refused)


def test_health_and_the_document_need_nobody_and_requests_have_the_invocations_id(deployed: Stack) -> None:
    health, document = (ask(deployed, "GET", path, who=None) for path in ("/health", "/openapi.json"))
    assert (health.status, document.status) == (200, 200)
    assert document.json["openapi"].startswith("3.1")
    ids = {health.headers["X-Request-Id"], document.headers["X-Request-Id"]}
    assert len(ids) == 2
    assert "JKJaXmPLvHcESHA=" not in ids


# --- the WebSocket API ---


def ticket(deployed: Stack, who: Person) -> str:
    given = ask(deployed, "POST", "/ws-tickets", who=who)
    assert given.status == 201, given.body
    return str(given.json["ticket"])


def admission(deployed: Stack, ticket: str) -> Any:
    """What the authorizer says of a ticket."""
    arn = "arn:aws:execute-api:us-east-1:123456789012:sockets/live/$connect"
    asked = {
        "type": "REQUEST", "methodArn": arn, "headers": {"Host": "sockets", "Upgrade": "websocket"},
        "queryStringParameters": {"ticket": ticket}, "stageVariables": {},
        "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "stage": "live", "apiId": "sockets"},
    }  # fmt: skip
    answer = deployed.function("AuthorizerFunction").invoke(asked)
    assert answer["policyDocument"]["Statement"][0]["Resource"] == arn
    return answer


def effect(answer: Any) -> str:
    return str(answer["policyDocument"]["Statement"][0]["Effect"])


def socket(route: str, connection: str, body: Any = None, ticket: str = "") -> dict[str, Any]:
    """A WebSocket's event as API Gateway hands it over."""
    kind = {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}.get(route, "MESSAGE")
    made: dict[str, Any] = {
        "requestContext": {
            "routeKey": route, "eventType": kind, "messageDirection": "IN", "stage": "live", "apiId": "sockets",
            "connectedAt": 1795262400000, "requestTimeEpoch": 1795262400001, "requestId": uuid4().hex,
            "domainName": "sockets.execute-api.us-east-1.amazonaws.com", "connectionId": connection,
            "identity": {"sourceIp": "127.0.0.1"}, "authorizer": {"principalId": "ann"},
        },
        "isBase64Encoded": False,
    }  # fmt: skip
    made |= {"body": json.dumps(body)} if body is not None else {}
    return made | ({"queryStringParameters": {"ticket": ticket}} if ticket else {})


def test_ticket_of_the_api_opens_one_connection_which_hears_the_agent(deployed: Stack, who: Person) -> None:
    begin(deployed, who)
    given, heard = ticket(deployed, who), list[dict[str, Any]]()
    tell = deployed.function("SocketFunction").invoke
    allowed = admission(deployed, given)
    assert (effect(allowed), allowed["principalId"]) == ("Allow", "ann")
    assert allowed["context"]["tenant"] == who.tenant
    assert effect(admission(deployed, f"{given[:-4]}AAAA")) == "Deny"
    assert effect(admission(deployed, "")) == "Deny"

    connection = f"{uuid4().hex[:12]}="
    deployed.gateway.connect(connection, heard.append)
    assert tell(socket("$connect", connection, ticket=given)) == {"statusCode": 200}
    assert tell(socket("$connect", "other=", ticket=given))["statusCode"] == 401  # it was used
    for frame in (
        {"type": "ping"},
        {"type": "subscribe", "conversation": "7"},
        {"type": "send", "conversation": "7", "text": "One two", "id": "m1"},
        {"type": "nonsense"},
    ):
        assert tell(socket("$default", connection, frame)) == {"statusCode": 200}
    types = [frame["type"] for frame in heard if frame["type"] != "events"]
    assert types == ["pong", "subscribed", "sent", "problem"]
    until(lambda: [one for frame in heard for one in frame.get("events", ()) if one["type"] == "llm_message"])
    assert tell(socket("$disconnect", connection)) == {"statusCode": 200}
    deployed.gateway.disconnect(connection)


# --- events ---


def record(conversation: str | None, text: str = "hello") -> dict[str, Any]:
    """A message of SQS."""
    told = {"text": text} if conversation is None else {"conversation": conversation, "text": text}
    return {
        "messageId": uuid4().hex, "receiptHandle": "h", "body": json.dumps(told), "messageAttributes": {},
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795262400000", "SenderId": "shop"},
        "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:triggers",
    }  # fmt: skip


def happening(conversation: Any) -> dict[str, Any]:
    """An event of EventBridge."""
    return {
        "version": "0", "id": str(uuid4()), "detail-type": "order", "source": "shop", "account": "123456789012",
        "time": "2026-11-21T12:00:00Z", "region": "us-east-1", "resources": [],
        "detail": {"conversation": conversation, "text": "An order"},
    }  # fmt: skip


def test_of_a_batch_only_the_bad_record_comes_again_and_what_comes_twice_is_told_once(
    deployed: Stack, who: Person
) -> None:
    good, bad, more = record(f"q-{who.tenant}"), record(None), record(f"q-{who.tenant}", "more")
    for _ in range(2):
        answer = deployed.function("TriggerFunction").invoke({"Records": [good, bad, more]})
        assert answer == {"batchItemFailures": [{"itemIdentifier": bad["messageId"]}]}

    def told() -> list[str]:
        rows = asyncio.run(deployed.store.rows(f"conversation-q-{who.tenant}"))
        return sorted(row.text for row in rows if row.message_type == "user")

    assert until(lambda: len(found := told()) >= 2 and found) == ["hello", "more"]


def test_event_that_becomes_no_message_is_told_as_the_runtime_tells_errors(deployed: Stack, who: Person) -> None:
    invoke = deployed.function("TriggerFunction").invoke
    assert invoke(happening(f"e-{who.tenant}")) is None
    failed = invoke(happening(["no", "name"]))
    assert failed["errorType"] == "InvalidInput"
    assert "names a conversation" in failed["errorMessage"]
    assert failed["stackTrace"]
    assert invoke(happening(f"e-{who.tenant}")) is None  # the process goes on


# --- freezing, deadlines, logs ---


def test_frozen_functions_go_on_though_their_connections_died_meanwhile(deployed: Stack, who: Person) -> None:
    begin(deployed, who)
    connection = f"{uuid4().hex[:12]}="
    deployed.gateway.connect(connection, lambda _: None)
    given = ticket(deployed, who)

    def used() -> dict[str, Any]:
        return {
            "ApiFunction": event("POST", "/conversations/7/messages", {"content": "hello"}, who=who),
            "SocketFunction": socket("$default", connection, {"type": "subscribe", "conversation": "7"}),
            "TriggerFunction": {"Records": [record(f"f-{who.tenant}")]},
        }

    def invoke_all() -> dict[str, Any]:
        asked = used()
        with ThreadPoolExecutor() as threads:
            answers = threads.map(lambda name: deployed.function(name).invoke(asked[name]), DOORS)
        return dict(zip(DOORS, answers, strict=True))

    assert deployed.function("SocketFunction").invoke(socket("$connect", connection, ticket=given))["statusCode"] == 200
    for answers in (invoke_all(), _after_a_pause(deployed, invoke_all)):
        assert answers["ApiFunction"]["statusCode"] == 202, answers
        assert answers["SocketFunction"] == {"statusCode": 200}
        assert answers["TriggerFunction"] == {"batchItemFailures": []}


def _after_a_pause(deployed: Stack, invoke: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Invoke the same processes again, whose connections to Temporal lead nowhere by then."""
    functions = [deployed.function(name) for name in DOORS]
    before, connected = [function.pid for function in functions], deployed.line.connections
    with ExitStack() as pause:
        for function in functions:
            pause.enter_context(function.frozen())
        deployed.line.forget()
    answers = invoke()
    assert [function.pid for function in functions] == before
    assert deployed.line.connections > connected
    return answers


def test_frozen_worker_works_again_when_it_is_invoked_again(deployed: Stack, who: Person) -> None:
    begin(deployed, who)
    worker = deployed.function("WorkerFunction")
    answered(deployed, who, "message 1")
    process = worker.pid
    with worker.frozen():
        deployed.workers_line.forget()
    answered(deployed, who, "message 2")
    assert worker.pid == process


def test_worker_leaves_before_the_deadline_that_its_context_has(deployed: Stack) -> None:
    seconds = 12
    name = f"{deployed.name}-deadline"
    patient = deployed.another("WorkerFunction", seconds, TaskQueue=name, IdleExitMs="600000")
    began = time.monotonic()
    assert patient.invoke({}) is None
    assert seconds / 2 < time.monotonic() - began < seconds


def test_worker_without_a_version_says_so_as_an_error_of_the_function(deployed: Stack) -> None:
    failed = deployed.another("WorkerFunction", BuildId="").invoke({})
    assert failed["errorType"] == "InvalidInput"
    assert "SAGENTS_BUILD_ID is not set" in failed["errorMessage"]


@pytest.mark.parametrize("name", NAMES)
def test_what_functions_log_is_one_object_a_line(deployed: Stack, name: str) -> None:
    """After the tests before; alone, of a function that has answered once."""
    function = deployed.function(name)
    function.invoke({})  # no event of API Gateway's: the doors have something to say
    assert function.logged
    assert [line for line in function.logged if not isinstance(_read(line), dict)] == []


def _read(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
