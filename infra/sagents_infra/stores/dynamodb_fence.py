"""The row of an agent that all its writers compare and replace: whose it is, and how far its logs have come.

    writer A   ──read(version 7)──────────write(8 where 7)─x raced: reads again
    writer B   ──read(version 7)──write(8 where 7)─ok→

So ids of events and numbers of decisions rise by one, whoever writes them in how many processes.
"""

from typing import NamedTuple

from sagents.decision_log import NOTHING, Tip
from sagents.errors import StoreUnavailable
from sagents.ports import Base, SavedHead
from sagents_infra.stores import dynamodb_rows as rows
from sagents_infra.stores.dynamodb_rows import Row
from sagents_infra.stores.dynamodb_table import ABSENT, Table, Write
from sagents_infra.stores.dynamodb_texts import text_of
from sagents_infra.stores.fence import claimed

ROOM = 1_000
"""Bytes of a head that stands in this row; a longer one would be paid for anew with each event."""


NO_TEXT: Row = {}


class Fence(NamedTuple):
    """The row as it was read. `saved` is without its head, which `text` leads to; `line` is the newest row's number."""

    agent_id: str
    version: int = 0
    run: str = ""
    saved: SavedHead | None = None
    text: Row = NO_TEXT
    events: int = 0
    line: int = 0
    tip: Tip = NOTHING
    is_being_deleted: bool = False

    @classmethod
    def of(cls, agent_id: str, row: Row | None) -> "Fence":
        if row is None:
            return cls(agent_id)
        if row.get("deleting"):
            return cls(agent_id, row["version"], row["run"], is_being_deleted=True)
        base = Base(position=row["position"], digest=row["digest"])
        saved = SavedHead(generation=row["generation"], workflow_run_id=row["run"], seq=row["seq"], base=base)
        text: Row = {name: row[name] for name in ("text", "parts", "count") if name in row}
        logs = row["events"], row.get("line", 0), Tip(row["rows"], row["tip"])
        return cls(agent_id, row["version"], row["run"], saved, text, *logs)

    @property
    def row(self) -> Row:
        if self.saved is None:
            raise ValueError(self)
        return {
            **rows.fence(self.agent_id).row,
            "version": self.version,
            "generation": self.saved.generation,
            "run": self.saved.workflow_run_id,
            "seq": self.saved.seq,
            "position": self.saved.base.position,
            "digest": self.saved.base.digest,
            "events": self.events,
            "line": self.line,
            "rows": self.tip.number,
            "tip": self.tip.hash,
            **self.text,
            **rows.listed_below(self.agent_id),
        }

    @property
    def unchanged(self) -> Row:
        """The condition that the row is still as it was read; the run tells it from one after a deletion."""
        return {"version": self.version, "run": self.run} if self.version else ABSENT

    def after(self, saved: SavedHead) -> "Fence":
        """The next version of the row."""
        return self._replace(version=self.version + 1, run=saved.workflow_run_id, saved=saved)

    def replacing(self, before: "Fence") -> Write:
        """Put this row in the place of the one that was read, if nobody was faster."""
        return Write(self.row, before.unchanged)

    def check(self) -> Write:
        """Only look whether it is the same writer's still."""
        return Write(rows.fence(self.agent_id).row, {"run": self.run}, "ConditionCheck")

    def whole(self, table: Table, saved: SavedHead) -> SavedHead:
        """The row as the port has it, with the head that is stored."""
        return saved.but(head=text_of(table, rows.partition(self.agent_id), self.text))

    def claimed(self, workflow_run_id: str) -> SavedHead:
        return claimed(self.agent_id, self.saved, workflow_run_id)

    def check_lives(self) -> None:
        """Raises where a deletion is under way, or was broken off."""
        if self.is_being_deleted:
            raise StoreUnavailable(f"{self.agent_id!r} is being deleted; should that last, delete it again.")


def read(table: Table, agent_id: str) -> Fence:
    return Fence.of(agent_id, table.one(rows.fence(agent_id)))
