"""What the scenarios of `make aws-local` count and take away, in an account of nobody's."""

import json
from typing import Any, cast

import pytest

from tools.aws_local.denied import without
from tools.aws_local.invocations import Invocations
from tools.aws_local.stack import Stack
from tools.set_up import Failed

STATEMENTS = [{"Sid": "Agents", "Action": "dynamodb:*"}, {"Sid": "Key", "Action": "kms:*"}]


class Account:
    """A stack with one role and one log; all services are this."""

    def __init__(self, *messages: tuple[float, str]) -> None:
        self.cloud = self
        self.policy: Any = {"Version": "2012-10-17", "Statement": STATEMENTS}
        self._messages = messages

    def client(self, service: str) -> Any:
        assert service in ("iam", "logs")
        return self

    def named(self, resource: str) -> str:
        return f"stack-{resource}"

    def get_role_policy(self, RoleName: str, PolicyName: str) -> Any:
        assert (RoleName, PolicyName) == ("stack-WorkerRole", "what-it-does")
        return {"PolicyDocument": self.policy}

    def put_role_policy(self, RoleName: str, PolicyName: str, PolicyDocument: str) -> None:
        assert (RoleName, PolicyName) == ("stack-WorkerRole", "what-it-does")
        self.policy = json.loads(PolicyDocument)

    def get_paginator(self, name: str) -> Any:
        assert name == "filter_log_events"
        return self

    def paginate(self, **asked: Any) -> Any:
        events = [{"timestamp": int(at * 1000), "message": text} for at, text in self._messages]
        return [{"events": events[:1]}, {"events": events[1:]}]


def test_role_lacks_the_statement_for_so_long_and_has_it_again_whatever_happens() -> None:
    account = Account()

    def fail() -> None:
        with without(cast(Stack, account), "WorkerRole", "Agents"):
            assert [statement["Sid"] for statement in account.policy["Statement"]] == ["Key"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert account.policy["Statement"] == STATEMENTS


def test_statement_that_a_role_does_not_have_is_not_taken_away_in_silence() -> None:
    with pytest.raises(Failed, match="no statement Tables"), without(cast(Stack, Account()), "WorkerRole", "Tables"):
        pytest.fail("nothing was taken away")


def test_invocation_counts_when_it_began_and_not_when_it_ended() -> None:
    account = Account(
        (100, "START RequestId: 1"),
        (105, "REPORT RequestId: 1\tDuration: 4000 ms\tBilled Duration: 4000 ms"),
        (130, "REPORT RequestId: 2\tDuration: 1500 ms\tBilled Duration: 1500 ms"),
    )
    worker = Invocations(cast(Stack, account), "WorkerLogs")
    assert worker.between(100, 102) == 1
    assert worker.between(102, 128) == 0
    assert worker.between(102, 129) == 1


def test_worker_that_was_invoked_before_is_not_the_one_that_is_waited_for() -> None:
    account = Account((105, "REPORT RequestId: 1\tDuration: 4000 ms\tBilled Duration: 4000 ms"))
    worker = Invocations(cast(Stack, account), "WorkerLogs")
    worker.wait_until_left(since=101)
    with pytest.raises(Failed, match="an invocation that ends"):
        worker.wait_until_left(since=102, patience=0)
