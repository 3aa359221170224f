"""How an application wants things tried again: the configurable restart strategy."""

from pydantic import Field

from sagents.frozen import Frozen
from sagents.retry import Retry


class Retries(Frozen):
    """Tries and waits by what failed. A tool's own `attempts` count where they are more."""

    model: Retry = Field(default_factory=Retry)
    tool: Retry = Field(default_factory=lambda: Retry(attempts=1))
    subagent: Retry = Field(default_factory=lambda: Retry(attempts=1))
