"""What an activity announces of its agent: statuses, and the rows that go with what was said and done."""

from collections.abc import Iterable, Sequence

from sagents import notice_rows
from sagents.announcing import reply_data
from sagents.carried import Carried
from sagents.commands import NewMessage, Stop
from sagents.display import Change, DisplayMessage
from sagents.displaying import spoken
from sagents.event_types_replies import LlmMessage
from sagents.head import Head
from sagents.interrupt_data import interrupt_data
from sagents.interrupts import Interrupt
from sagents.messages import Message
from sagents.operations import Operation
from sagents.plan import Bulletin, Ending
from sagents.status import Status
from sagents_activities.publisher import Find
from sagents_activities.teller import Teller
from sagents_activities.transcript import Transcript, heard_in, results_in


class Announcer(Teller):
    """Tells the events of one activity (`emit`), what becomes of its agent, and what people see of it."""

    def rest(self, carried: Carried) -> bool:
        """A run has ended: whether that is told. Where messages wait, the next begins and no rest lies between (B-75).

        With a stop they wait for another life.
        """
        head, waiting = carried.head, {type(note) for note in carried.mailbox}
        if head.status is Status.IDLE and NewMessage in waiting and Stop not in waiting:
            return False
        self.ended(head)
        self.status(str(head.status), head.ending)
        return True

    def ended(self, head: Head) -> None:
        """The row that a run's end has, where it has one."""
        run, last = head.latest, head.log.window[-1:]
        if run is not None:
            self._put_row(notice_rows.ended(head.ending, run.run_id, last[0] if last else None, self.showing))

    def status(self, status: str, ending: Ending | None = None, waiting: Sequence[Interrupt] = ()) -> None:
        """The agent's status has changed: why where a run has ended, and what waits for people (B-81)."""
        data = interrupt_data(waiting) if ending is None else ending.model_dump(mode="json")
        if ending is not None and ending.error is not None and self._agent.sub is None:
            self.emit("chain_error", {"error": ending.error.model_dump(mode="json")})
        self.emit("status_changed", {"status": status, "data": data})

    def all(self, news: Sequence[Bulletin]) -> None:
        for bulletin in news:
            self.emit(bulletin.type, bulletin.data)

    # ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────

    def holding(self) -> None:
        """A step begins: the rows of its reply come before those that its hooks and tools show."""
        self._held, self._texts = [], {}
        self._publisher.is_step = True

    async def release(self, message: Message | None, rows: Sequence[DisplayMessage]) -> None:
        """Write the rows of a step's reply, then let go what was held."""

        async def find(_: Transcript) -> list[Change]:
            return [Change(row) for row in rows]

        await self._show(find)
        self.mirror.message(message, rows)
        held, self._held = self._held or [], None
        for event in held:
            self._waiting.put(event)

    async def amend(self, reply: Message | None, *, is_mine: bool) -> None:
        """Tell the reply that counts where the log has another one: of an attempt that was lost before its record."""
        await self.flush()
        logged = self._publisher.reply
        if reply is None or logged is None:
            return
        data = reply_data(reply)
        if not logged.is_right(data, is_mine=is_mine):
            self.emit(LlmMessage.type, data)

    async def lacks(self, rows: Iterable[DisplayMessage]) -> bool:
        """Whether any of these is not in the transcript."""
        return self._agent.sub is None and bool(await self._publisher.transcript.missing(rows))

    async def hear(self, operations: Sequence[Operation], places: str) -> None:
        """What is new to a step: as `settle`, and the application's own copy is told what users said."""
        await self.settle(operations, places)
        for message, key in heard_in(operations, places) if self._agent.sub is None else ():
            for one in spoken(message, key):
                said = Message.user(one.content or "", id=one.key)
                self.mirror.message(said, self.showing.said(said))

    async def settle(self, operations: Sequence[Operation], places: str = "") -> None:
        """Write what these operations say and the transcript does not: what users said, what came of calls.

        Whoever was first has written it; this is for what came past the doors, or was lost with a worker.
        """
        if self._agent.sub is not None:
            return  # what sub-agents say is for their parents
        heard = {self._journal.key(key): (message, key) for message, key in heard_in(operations, places)}
        came = {self._journal.key(one.tool_call_id, one.text): one for one in results_in(operations)}
        new = [key for key in (*heard, *came) if key not in self._journal.seen]
        showing = self.showing

        async def find(transcript: Transcript) -> list[Change]:
            said = (row for key in new if key in heard for row in showing.said(*heard[key]))
            return [
                *await transcript.missing(said),
                *await transcript.settle((came[key] for key in new if key in came), showing),
            ]

        if new:
            await self._show(find, resolved=True)
            self._journal.seen.add(*(key for key in new if key in heard or not came[key].is_interrupt))

    async def _show(self, find: Find, *, resolved: bool = False) -> None:
        """Write rows with all that waits. Raises where the store cannot take them: who calls is tried again."""
        async with self._alone:
            await self._publisher.show(self._taken(), find, resolved=resolved)
