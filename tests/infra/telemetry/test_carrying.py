"""What a workflow hands on of where requests come from (B-135)."""

from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.worker import ExecuteWorkflowInput, HandleSignalInput, HandleUpdateInput

from sagents import contract
from sagents_infra.telemetry.carrying import HEADER, Carrying

pytestmark = pytest.mark.asyncio


class Kernel:
    """Takes what it is given."""

    async def execute_workflow(self, _: Any) -> None: ...
    async def handle_signal(self, _: Any) -> None: ...
    async def handle_update_handler(self, _: Any) -> None: ...


def carrying() -> Carrying:
    kernel: Any = Kernel()
    return Carrying(kernel)


def header(text: str) -> dict[str, Payload]:
    return {HEADER: Payload(data=text.encode())}


def told(carrying: Carrying) -> dict[str, Payload]:
    return dict(carrying.carried({}))


async def update(carrying: Carrying, name: str, headers: dict[str, Payload]) -> None:
    await carrying.handle_update_handler(HandleUpdateInput("id", name, [], headers))


async def start(carrying: Carrying, headers: dict[str, Payload]) -> None:
    await carrying.execute_workflow(ExecuteWorkflowInput(type, Kernel.execute_workflow, [], headers))


async def test_who_has_said_something_last_is_why_the_next_run_begins() -> None:
    one = carrying()
    await start(one, header("start"))
    assert told(one) == header("start")
    await update(one, contract.ADD_MESSAGE, header("first"))
    await one.handle_signal(HandleSignalInput(contract.ADD_MESSAGE, [], header("second")))
    assert told(one) == header("second")


@pytest.mark.parametrize("command", [contract.TOUCH, contract.CONFIGURE, contract.VIEWER_JOINED, contract.STOP])
async def test_commands_that_begin_no_run_are_no_reason_for_one(command: str) -> None:
    one = carrying()
    await update(one, contract.ADD_MESSAGE, header("message"))
    await update(one, command, header("other"))
    await one.handle_signal(HandleSignalInput(command, [], header("other")))
    assert told(one) == header("message")


async def test_a_message_that_wakes_an_agent_is_heard_before_its_start() -> None:
    """Both are one request; but what an earlier workflow run has handed on is older than the message."""
    one = carrying()
    await update(one, contract.ADD_MESSAGE, header("message"))
    await start(one, header("carried"))
    assert told(one) == header("message")


async def test_a_message_that_nobody_traces_is_not_counted_for_the_one_before() -> None:
    one = carrying()
    assert told(one) == {}
    await update(one, contract.ADD_MESSAGE, header("message"))
    await update(one, contract.ADD_MESSAGE, {})
    await start(one, header("carried"))
    assert told(one) == {}
