"""Notices as lines of the log: what there is before anybody connects a chat, a mailbox or a pager."""

import shlex

import structlog

from sagents.inbox import InboxItem
from sagents.ports import Notice

log = structlog.get_logger(__name__)


class LogNotifier:
    """A `Notifier` that writes one line per notice, with the command that shows more.

    A call's arguments may be anything and logs are read by many, so they are left out.
    """

    async def notify(self, notice: Notice) -> None:
        interrupt = InboxItem.model_validate_json(notice.item).interrupt
        log.info(
            f"approval {notice.kind}",
            kind=notice.kind,
            agent=notice.agent_id,
            interrupt=notice.interrupt_id,
            tool=interrupt.tool,
            summary=interrupt.message,
            targets=list(notice.targets),
            answer=f"sagents approvals show {shlex.quote(notice.interrupt_id)}",
        )
