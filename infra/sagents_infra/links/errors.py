"""Why a link decides nothing.

SagentsError
└── LinkRefused          nothing was decided by it
    ├── LinkForged       we did not make it, or it was changed
    ├── LinkExpired      its time is over
    ├── LinkRevoked      somebody took it back
    └── LinkUsed         another decision was made by it before
"""

from datetime import datetime

from sagents.errors import SagentsError

ASK = "Ask whoever sent it for a new one."


class LinkRefused(SagentsError):
    """A link decides nothing; why, and what to do instead, is in the message."""


class LinkForged(LinkRefused):
    """Its signature is not ours."""

    def __init__(self) -> None:
        super().__init__(
            "This is no link of ours: it is incomplete, or was changed on its way. Open it once more from the "
            "message in which it came, and copy it whole."
        )


class LinkExpired(LinkRefused):
    """Its time is over; what was asked may still wait."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        super().__init__(f"This link could be used until {at:%Y-%m-%d %H:%M} UTC. {ASK}")


class LinkRevoked(LinkRefused):
    """Somebody took it back."""

    def __init__(self, by: str, at: datetime) -> None:
        self.by, self.at = by, at
        super().__init__(f"This link was taken back by {by} at {at:%Y-%m-%d %H:%M} UTC. {ASK}")


class LinkUsed(LinkRefused):
    """It has one effect, and has had it."""

    def __init__(self, decision: str, at: datetime) -> None:
        self.decision, self.at = decision, at
        super().__init__(
            f"By this link it was decided at {at:%Y-%m-%d %H:%M} UTC: {decision}. A link decides once; who wants "
            "otherwise asks whoever sent it."
        )
