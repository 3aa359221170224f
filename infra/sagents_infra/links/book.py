"""What became of links: a row each, once something did. A link of which nothing is known holds until its end.

POST approve ──claims the row──decides──────────────── "approve" for good
POST reject  ────────────────x the row says "approve": LinkUsed
revoke       ──────────────────────────── too late for what is decided, in time for what is not
"""

from collections.abc import Callable
from typing import Protocol, Self

from pydantic import AwareDatetime

from sagents.frozen import Frozen


class LinkRow(Frozen):
    """One link. `digest` is that of the decision made by it, `decision` its kind. Forgotten some time after `until`."""

    id: str
    until: AwareDatetime
    decision: str | None = None
    digest: str | None = None
    decided_at: AwareDatetime | None = None
    revoked_by: str | None = None
    revoked_at: AwareDatetime | None = None

    @property
    def is_open(self) -> bool:
        return self.digest is None and self.revoked_at is None

    def used(self, decision: str, digest: str, at: AwareDatetime) -> Self:
        """With this decision, unless there was another one or the link was taken back."""
        return self.but(decision=decision, digest=digest, decided_at=at) if self.is_open else self

    def unused(self, digest: str) -> Self:
        """Open again: this decision was not taken."""
        mine = self.digest == digest
        return self.but(decision=None, digest=None, decided_at=None) if mine else self

    def revoked(self, by: str, at: AwareDatetime) -> Self:
        """Taken back; who did it first counts."""
        return self if self.revoked_at is not None else self.but(revoked_by=by, revoked_at=at)


Change = Callable[[LinkRow], LinkRow]


class LinkBook(Protocol):
    """Where the rows are. `StoreUnavailable` where the storage is out of reach.

    `tests/infra/links/test_book.py` is the specification.
    """

    async def get(self, link_id: str) -> LinkRow | None:
        """The row; None where nothing has become of the link."""

    async def change(self, new: LinkRow, change: Change) -> LinkRow:
        """Change the row of this id, or `new` where there is none, in one go. The row as it is now.

        `change` may be called several times.
        """

    def close(self) -> None:
        """Finish what was asked for."""
