"""What can be set about the HTTP API."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class HttpOptions(BaseSettings):
    """`SAGENTS_HTTP_*` of the environment, read once by each process."""

    model_config = SettingsConfigDict(env_prefix="SAGENTS_HTTP_", extra="ignore")

    rate: float = Field(default=50.0, ge=0)
    """Requests a second for each caller and process; 0 counts none."""

    burst: int = Field(default=200, ge=1)
    """So many of them may come at once."""

    max_body_bytes: int = Field(default=2 * 1024 * 1024, ge=1024, le=6 * 1024 * 1024)
    """The largest body; Lambda takes 6 MB."""

    patience_ms: int = Field(default=15_000, ge=500, le=25_000)
    """How long a request waits for an agent; API Gateway waits 29 s for us."""

    idle_ms: int = Field(default=30_000, ge=0)
    """After a pause like this (a frozen function) the connection is looked at before it is used."""

    agents: str = ""
    """Names of the agents that may be started, with commas between. Without it the application is asked."""

    origins: str = ""
    """Pages that may ask the local server, as `https://app.example.com`, with commas between; `*` is every page.

    In the cloud that is the parameter `AllowedOrigins` of the template: API Gateway answers browsers there.
    """

    @property
    def patience(self) -> timedelta:
        return timedelta(milliseconds=self.patience_ms)

    @property
    def idle(self) -> timedelta:
        return timedelta(milliseconds=self.idle_ms)

    @property
    def names(self) -> tuple[str, ...]:
        return _listed(self.agents)

    @property
    def pages(self) -> tuple[str, ...]:
        return _listed(self.origins)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))
