"""A statement is taken from a role: who asks hears of it, logs say AccessDenied; with it back nothing is lost."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from tools.aws_local.issuer import Issuer
from tools.aws_local.person import Person, people
from tools.aws_local.stack import Stack
from tools.aws_local.working import note, step, wait
from tools.set_up import Failed

POLICY = "what-it-does"
TABLE = "Agents"
"""The statement that lets a role use the table."""

PATIENCE = 120.0


def denied(stack: Stack, issuer: Issuer) -> None:
    """Raises `Failed` where nobody is told, or a message is lost or answered twice."""
    name = f"denied-{uuid4().hex[:6]}"
    with people(stack, issuer.token("ann")) as (ann,):
        ann.start(name, "parrot")
        with step("the API's role may not use the table: a message is refused with 503, and the log says why"):
            with without(stack, "ApiRole", TABLE), reported(stack, "ApiLogs"):
                problem = ann.write(name, "one", key="1", expected=503)
            note(f"{problem.json()['type']}: {problem.json()['detail']}")
        with step("the right is back, and the same message is taken"):
            ann.write(name, "one", key="1")
            wait(lambda: _is_answered(ann, name, "one"), "the answer", PATIENCE)
        with (
            step("the worker's role may not use the table: a message is taken, and waits; the log says why"),
            without(stack, "WorkerRole", TABLE),
        ):
            with reported(stack, "WorkerLogs"):
                ann.write(name, "two", key="2")
            if _is_answered(ann, name, "two"):
                raise Failed("It was answered by a worker that may not write.")
        with step("the right is back, and the message is answered; each was, once"):
            wait(lambda: _is_answered(ann, name, "two"), "the answer", PATIENCE)
            _each_once(ann, name)


@contextmanager
def without(stack: Stack, role: str, sid: str) -> Iterator[None]:
    """For so long, the role lacks the statement."""
    iam, name = stack.cloud.client("iam"), stack.named(role)
    policy = iam.get_role_policy(RoleName=name, PolicyName=POLICY)["PolicyDocument"]
    left = [statement for statement in policy["Statement"] if statement["Sid"] != sid]
    if len(left) == len(policy["Statement"]):
        raise Failed(f"{role} has no statement {sid} that could be taken away.")
    iam.put_role_policy(RoleName=name, PolicyName=POLICY, PolicyDocument=json.dumps({**policy, "Statement": left}))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=POLICY, PolicyDocument=json.dumps(policy))


@contextmanager
def reported(stack: Stack, logs: str) -> Iterator[None]:
    """What is done in it makes the function log that AWS refused something."""
    client, began = stack.cloud.client("logs"), int(time.time() * 1000)
    asked = {"logGroupName": stack.named(logs), "filterPattern": "AccessDenied", "startTime": began}
    yield
    wait(lambda: bool(client.filter_log_events(**asked)["events"]), f"AccessDenied in {logs}", PATIENCE)
    note(str(client.filter_log_events(**asked)["events"][0]["message"])[:300])


def _is_answered(who: Person, name: str, text: str) -> bool:
    return any(text in said for kind, said in _said(who, name) if kind == "assistant")


def _said(who: Person, name: str) -> list[tuple[str, str]]:
    return [(row["message_type"], row["content"].get("text", "")) for row in who.rows(name)]


def _each_once(who: Person, name: str) -> None:
    said = _said(who, name)
    answered = [next((text for text in ("one", "two") if f"You said: {text} " in words), words) for _, words in said]
    if sorted(answered) != ["one", "one", "two", "two"] or said[0] != ("user", "one"):
        raise Failed(f"Two messages should each be there once, and be answered once: {said}")
