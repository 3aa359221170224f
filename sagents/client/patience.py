"""Repeating a request while trouble may pass, and then saying what is wrong."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio.client import (
    RPCTimeoutOrCancelledError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.service import RPCError, RPCStatusCode

from sagents.client.translating import failure, is_absent, passes, refusal
from sagents.contract import ASK_AGAIN
from sagents.errors import AgentNotFound, CannotAnswer

T = TypeVar("T")
Attempt = Callable[[], Awaitable[T]]
SILENT = frozenset({RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED})
"""Temporal is there, but no worker says anything."""
UNCONNECTED = "Failed client connect"
"""How the SDK's error begins when a client that connects at its first call (`lazy=True`) cannot."""


class Unconnected(Exception):
    """Temporal was never reached."""


async def patiently(agent_id: str, attempt: Attempt[T], patience: timedelta) -> T:
    """Try until it works, it is refused, or patience ends. What Temporal raises comes out as our errors."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience.total_seconds()
    trouble: RPCError | Unconnected | None = None
    tries = 0
    while clock() < deadline:
        try:
            return await _bounded(attempt, deadline)
        except (TimeoutError, RPCTimeoutOrCancelledError):
            break
        except WorkflowQueryRejectedError:
            raise AgentNotFound(agent_id) from None
        except WorkflowQueryFailedError as error:
            if ASK_AGAIN not in error.message:
                raise CannotAnswer(f"{agent_id!r} could not answer: {error.message}") from error
        except WorkflowUpdateFailedError as error:
            if not passes(error):
                raise refusal(agent_id, error) from None
        except Unconnected as error:
            trouble = error
        except RPCError as error:
            if not passes(error):
                raise failure(agent_id, error) from (None if is_absent(error) else error)
            trouble = error
        tries += 1
        await asyncio.sleep(min(0.05 * 2**tries, 1.0) * random.uniform(0.5, 1.0))
    raise _gave_up(agent_id, patience, trouble)


async def _bounded(attempt: Attempt[T], deadline: float) -> T:
    """One attempt, ended at the deadline. The SDK makes its own error of a caller's cancel; this turns it back."""
    task = asyncio.current_task()
    cancels = task.cancelling() if task else 0
    try:
        async with asyncio.timeout_at(deadline):
            return await attempt()
    except RPCTimeoutOrCancelledError as error:
        if task and task.cancelling() > cancels:
            raise asyncio.CancelledError from error
        raise
    except RuntimeError as error:
        if str(error).startswith(UNCONNECTED):
            raise Unconnected(str(error)) from error
        raise


def _gave_up(agent_id: str, patience: timedelta, trouble: RPCError | Unconnected | None) -> CannotAnswer:
    waited = f"within {patience.total_seconds():g} s"
    if isinstance(trouble, Unconnected):
        return CannotAnswer(
            f"Temporal does not answer for {agent_id!r} {waited}: it cannot be reached. "
            "`sagents dev` starts a server; TEMPORAL_ADDRESS names another."
        )
    if trouble is not None and trouble.status not in SILENT:
        return CannotAnswer(f"Temporal did not answer for {agent_id!r} {waited}: {trouble.message}")
    return CannotAnswer(f"{agent_id!r} did not answer {waited}. Does a worker run? `sagents worker` starts one.")
