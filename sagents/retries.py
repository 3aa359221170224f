"""How an application wants things tried again: the configurable restart strategy."""

from pydantic import Field

from sagents.frozen import Frozen
from sagents.retry import Retry


class Retries(Frozen):
    """Tries and waits by what failed (L-55).

    `tool` is for tools that give no `attempts` of their own; who raises it says that they may all run twice.
    `subagent` is for sub-agents, which do not exist yet.
    """

    model: Retry = Field(default_factory=Retry)
    tool: Retry = Field(default_factory=lambda: Retry(attempts=1))
    subagent: Retry = Field(default_factory=lambda: Retry(attempts=1))
