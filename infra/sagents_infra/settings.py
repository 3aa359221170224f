"""Settings are read once, at the door, and are plain arguments below it."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`SAGENTS_*` of the environment; times are whole milliseconds there and timedeltas in Python.

    The connection itself is Temporal's own: `TEMPORAL_*` and `temporal.toml`.
    """

    model_config = SettingsConfigDict(env_prefix="SAGENTS_", extra="ignore")

    app: str = ""
    """Where the application is: `module:attribute`."""

    preprocessor: str = ""
    """What reads people's messages at doors before agents do: `module:attribute` (docs/transcript.md)."""

    home: Path = Path(".sagents")
    """Where the embedded store, channel, files and payloads live."""

    task_queue: str = "sagents"

    store: str = "sqlite"
    """Where agents are kept: `sqlite`, which is a file in `home`, or `dynamodb://table?region=…` (docs/stores.md)."""

    keep_records_days: int | None = Field(default=None, ge=1, lt=100_000)
    """After how many days step records are forgotten, and bases that no head refers to; by default never."""

    keep_events_days: int | None = Field(default=None, ge=1, lt=100_000)
    """After how many days events are forgotten; by default never."""

    channel: str = "local"
    """What carries live events: `local`, a file in `home`; `redis://…` or `apigateway://…` (docs/channels.md)."""

    presence: str = ""
    """Where it is kept who looks, and by which connections: `local`, files in `home`, or `dynamodb://table?region=…`.

    By default with the agents.
    """

    payloads: str = ""
    """Where payloads over 32 KiB go: a folder or `s3://bucket`; by default a folder in `home`."""

    files: str = ""
    """Where agents' files are kept: a folder or `s3://bucket/prefix`; by default a folder in `home`."""

    signing_keys: SecretStr = SecretStr("")
    """What doors sign with who decided, as "2026-11:<base64>,2026-05:<base64>": the first one signs, all are believed.

    By default a file in `home`; doors and workers on several machines need this setting, and the same. Or keys of
    AWS KMS, which nobody can copy: "kms://alias/sagents,kms://alias/old?region=…".
    """

    public_url: str = ""
    """Where people reach the HTTP API, as `https://agents.example.com`; notices have links to it."""

    notify: str = "log"
    """Where notices go: `log`, `ses://FROM?to=…`, `sns://ARN`, `https://…`, `slack+https://…`, with commas between."""

    notify_secret: SecretStr = SecretStr("")
    """What notices to `https://…` are signed with."""

    deployment: str = "sagents"
    """What Temporal calls the deployment that workers are versions of, where they have a `build_id`."""

    build_id: str = ""
    """Which version of the deployment a worker is (docs/deploy.md); by default workers have none."""

    idle_exit_ms: int = Field(default=5_000, ge=100)
    """How long a worker in AWS Lambda waits for work before it leaves."""

    heartbeat_timeout_ms: int = Field(default=10_000, ge=2_000)
    """What a killed worker costs a running call."""

    sticky_timeout_ms: int = Field(default=5_000, ge=100)
    """What a killed worker costs a waiting workflow task."""

    rolling_deploy_ms: int = Field(default=60_000, ge=0)
    """How long an agent or tool that this worker does not know may still be known to a newer one."""

    stop_patience_ms: int = Field(default=25_000, ge=0)
    """How long a stop lets the run under way go on, where the agent's lifecycle does not say (L-42)."""

    tracing: str = ""
    """`otel`: traces and metrics by OpenTelemetry, as its own variables say (docs/telemetry.md); by default none."""

    tracing_contents: bool = False
    """Whether traces show what models and tools said."""

    max_cached_workflows: int = Field(default=1_000, ge=0)
    max_concurrent_activities: int = Field(default=100, ge=1)

    @property
    def keep_records(self) -> timedelta | None:
        return None if self.keep_records_days is None else timedelta(days=self.keep_records_days)

    @property
    def keep_events(self) -> timedelta | None:
        return None if self.keep_events_days is None else timedelta(days=self.keep_events_days)

    @property
    def idle_exit(self) -> timedelta:
        return timedelta(milliseconds=self.idle_exit_ms)

    @property
    def heartbeat_timeout(self) -> timedelta:
        return timedelta(milliseconds=self.heartbeat_timeout_ms)

    @property
    def sticky_timeout(self) -> timedelta:
        return timedelta(milliseconds=self.sticky_timeout_ms)

    @property
    def rolling_deploy(self) -> timedelta:
        return timedelta(milliseconds=self.rolling_deploy_ms)

    @property
    def stop_patience(self) -> timedelta:
        return timedelta(milliseconds=self.stop_patience_ms)

    @property
    def store_path(self) -> Path:
        return self.home / "store.db"

    @property
    def channel_path(self) -> Path:
        return self.home / "channel.db"

    @property
    def presence_path(self) -> Path:
        return self.home / "presence.db"

    @property
    def connections_path(self) -> Path:
        return self.home / "connections.db"

    @property
    def links_path(self) -> Path:
        return self.home / "links.db"

    @property
    def presence_place(self) -> str:
        return self.presence or ("local" if self.store == "sqlite" else self.store)

    @property
    def keys_path(self) -> Path:
        return self.home / "signing.keys"

    @property
    def files_place(self) -> str:
        return self.files or str(self.home / "files")

    @property
    def payload_place(self) -> str:
        return self.payloads or str(self.home / "payloads")
