"""The agent's tools may end its work; why they did is still there after a restart (B-96)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagents.hooks import Middleware
from sagents.replies import HALT


class Haltable(Middleware):
    """Keeps the halts of an agent through a restart: `sagents.halt("…")` in a tool or hook makes one.

    No model is asked after a halt. A new message, or a `respond` to it, goes on with that; `dismiss_interrupt` closes
    it. Without this middleware a halt ends the work all the same, but a state that is loaded again has lost it.
    """

    def restorable_interrupt(self, data: Mapping[str, Any], /) -> bool:
        return HALT in (data.get("type"), data.get("reason"))
