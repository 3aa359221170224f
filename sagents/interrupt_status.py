"""Where an interrupt stands."""

from enum import StrEnum


class InterruptStatus(StrEnum):
    """Where an interrupt stands; `pending` is the only open one."""

    PENDING = "pending"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    RESPONDED = "responded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @property
    def was_decided(self) -> bool:
        """Whether a person closed it, rather than a clock, a cancel or a newer message."""
        return self in (self.APPROVED, self.EDITED, self.REJECTED, self.RESPONDED)
