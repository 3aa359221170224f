"""What people are told, and what they are not."""

import pytest
from structlog.testing import capture_logs

from sagents.approvers import groups
from sagents.inbox import InboxItem
from sagents.interrupts import Interrupt
from sagents.ports import Notice, Notifier
from sagents_infra.notify import LogNotifier, MemoryNotifier

ITEM = InboxItem(
    agent_id="desk-1",
    interrupt=Interrupt(
        id="int_call_7",
        message="Refund order 7",
        tool="refund",
        arguments={"order": "7", "card": "4000 0000 0000 0002"},
        approvers=groups("finance"),
        data={"card": "4000 0000 0000 0002"},
    ),
)
NOTICE = Notice(
    id="desk-1:int_call_7:requested",
    kind="requested",
    agent_id="desk-1",
    interrupt_id="int_call_7",
    item=ITEM.model_dump_json(),
    targets=("#finance",),
)


@pytest.mark.asyncio
async def test_a_notice_is_one_line_with_the_command_that_shows_more() -> None:
    with capture_logs() as logs:
        await LogNotifier().notify(NOTICE)
    assert logs == [
        {
            "event": "approval requested",
            "log_level": "info",
            "kind": "requested",
            "agent": "desk-1",
            "interrupt": "int_call_7",
            "tool": "refund",
            "summary": "Refund order 7",
            "targets": ["#finance"],
            "answer": "sagents approvals show int_call_7",
        }
    ]


@pytest.mark.asyncio
async def test_no_line_has_arguments() -> None:
    with capture_logs() as logs:
        await LogNotifier().notify(NOTICE)
    assert "4000" in NOTICE.item
    assert "4000" not in str(logs)


@pytest.mark.asyncio
async def test_the_command_can_be_pasted_whatever_the_id_is() -> None:
    with capture_logs() as logs:
        await LogNotifier().notify(NOTICE.but(interrupt_id="int_1; rm -rf"))
    assert logs[0]["answer"] == "sagents approvals show 'int_1; rm -rf'"


@pytest.mark.asyncio
async def test_a_repeated_notice_is_kept_once() -> None:
    memory = MemoryNotifier()
    notifier: Notifier = memory
    for notice in (NOTICE, NOTICE, NOTICE.but(id="another", kind="reminded")):
        await notifier.notify(notice)
    assert [notice.kind for notice in memory.notices] == ["requested", "reminded"]
