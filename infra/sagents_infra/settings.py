"""Settings are read once, at the door, and are plain arguments below it."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _milliseconds(value: Any) -> Any:
    """Environment settings that end in `_MS` are whole milliseconds."""
    return timedelta(milliseconds=int(value)) if isinstance(value, str | int) else value


Milliseconds = Annotated[timedelta, BeforeValidator(_milliseconds)]


class Settings(BaseSettings):
    """`SAGENTS_*` of the environment. The connection itself is Temporal's own: `TEMPORAL_*` and `temporal.toml`."""

    model_config = SettingsConfigDict(env_prefix="SAGENTS_", extra="ignore")

    app: str = ""
    """Where the application is: `module:attribute`."""

    home: Path = Path(".sagents")
    """Where the embedded store, channel and payloads live."""

    task_queue: str = "sagents"

    payloads: str = ""
    """Where payloads over 32 KiB go: a folder, or `s3://bucket/prefix`; by default a folder in `home`."""

    heartbeat_timeout: Milliseconds = Field(default=timedelta(seconds=10), validation_alias="SAGENTS_HEARTBEAT_TIMEOUT_MS")
    """What a killed worker costs a running call."""

    sticky_timeout: Milliseconds = Field(default=timedelta(seconds=5), validation_alias="SAGENTS_STICKY_TIMEOUT_MS")
    """What a killed worker costs a waiting workflow task."""

    rolling_deploy: Milliseconds = Field(default=timedelta(seconds=60), validation_alias="SAGENTS_ROLLING_DEPLOY_MS")
    """How long an agent or tool that this worker does not know may still be known to a newer one."""

    max_cached_workflows: int = 1_000
    max_concurrent_activities: int = 100
    log: Literal["console", "json"] = "console"

    @property
    def store_path(self) -> Path:
        return self.home / "store.db"

    @property
    def channel_path(self) -> Path:
        return self.home / "channel.db"

    @property
    def payload_place(self) -> str:
        return self.payloads or str(self.home / "payloads")
