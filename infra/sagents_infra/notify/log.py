"""Notices as lines of the log: what there is before anybody connects a chat, a mailbox or a pager."""

import shlex

import structlog

from sagents.ports import Notice
from sagents_infra.notify.letters import Letter, letter_of

log = structlog.get_logger(__name__)


class LogNotifier:
    """A `Notifier` that writes one line per notice, with the command that shows more.

    A call's arguments may be anything and logs are read by many, so they are left out.
    """

    async def notify(self, notice: Notice) -> None:
        written(letter_of(notice), notice.targets)


class LogWay:
    """The same as a way. Its lines have links, where there are any: whoever reads the log can decide by them."""

    async def send(self, letter: Letter) -> None:
        written(letter)


def written(letter: Letter, targets: tuple[str, ...] = ()) -> None:
    """Write one line."""
    interrupt = letter.item.interrupt
    links = {"links": {link.subject: link.url for link in letter.links}} if letter.links else {}
    log.info(
        f"approval {letter.kind}",
        kind=letter.kind,
        agent=letter.agent_id,
        interrupt=letter.interrupt_id,
        tool=interrupt.tool,
        summary=interrupt.message,
        targets=list(targets),
        answer=f"sagents approvals show {shlex.quote(letter.interrupt_id)}",
        **links,
    )
