"""Loading what was saved: never a half-read conversation, and never a fresh one over data that could be read later."""

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from sagents.errors import InvalidState
from sagents.migrations import NewerState

Restored = TypeVar("Restored")
OnUnusable = Callable[[Any, str], Awaitable[None] | None]
"""Told a payload that cannot be read, and why, so that it can be put aside before a fresh state replaces it."""


class StateLoader(Protocol):
    """Where states were saved. `scope` is the application's own, opaque here (T-54)."""

    def load_state(
        self, scope: Any, context: Mapping[str, Any], /
    ) -> Awaitable[Mapping[str, Any] | None] | Mapping[str, Any] | None:
        """The export saved for `context["agent_id"]`, or None where there is none. Raises where it cannot tell."""
        ...


def warn(_payload: Any, reason: str) -> None:
    """What happens to an unusable payload unless somebody takes it: a warning in the log."""
    logging.getLogger("sagents").warning("A saved state is unusable, the agent starts fresh: %s", reason)


async def load(
    fetch: Callable[[], Awaitable[Any] | Any],
    restore: Callable[[Any], Restored],
    on_unusable: OnUnusable = warn,
) -> Restored | None:
    """What `fetch` finds, restored; None where nothing was saved, or nothing usable (T-52).

    Errors of `fetch` are raised, and so is `NewerState`: a fresh state would overwrite good data (T-55).
    """
    saved = await _settled(fetch())
    if saved is None:
        return None
    try:
        return restore(saved)
    except NewerState:
        raise
    except InvalidState as error:
        await _settled(on_unusable(saved, str(error)))
        return None


async def _settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
