"""Events as AWS hands them to functions, with all that stands in them there."""

import json
from typing import Any
from uuid import uuid4

from tests.infra.http.asking import event

ADMISSION = "arn:aws:execute-api:us-east-1:123456789012:sockets/live/$connect"
GATEWAYS_ID = "JKJaXmPLvHcESHA="
"""What API Gateway calls a request; the invocation has an id of its own."""


def request(method: str, path: str, body: Any = None, **given: Any) -> dict[str, Any]:
    """A request of the HTTP API, whose token was verified."""
    made = {**event(method, path, body, **given), "cookies": []}
    made["requestContext"] |= {
        "accountId": "123456789012", "apiId": "http", "domainName": "http.execute-api.us-east-1.amazonaws.com",
        "requestId": GATEWAYS_ID, "routeKey": "$default", "time": "21/Nov/2026:12:00:00 +0000",
        "timeEpoch": 1795262400000,
    }  # fmt: skip
    return made


def admission(ticket: str) -> dict[str, Any]:
    """The question of the WebSocket API, who comes with a ticket."""
    return {
        "type": "REQUEST", "methodArn": ADMISSION, "headers": {"Host": "sockets", "Upgrade": "websocket"},
        "queryStringParameters": {"ticket": ticket}, "stageVariables": {},
        "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "stage": "live", "apiId": "sockets"},
    }  # fmt: skip


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
