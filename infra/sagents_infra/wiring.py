"""The one place where the outside is put together from settings."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import cast

from temporalio.client import Client, ClientConnectConfig
from temporalio.converter import StorageDriver
from temporalio.envconfig import ClientConfig

from sagents.connections import Connections
from sagents.errors import CannotAnswer, InvalidAgent, InvalidInput
from sagents.ports import Blobs, Channel, Model, Notifier, Presence, Signer, Store
from sagents_infra import telemetry
from sagents_infra.blobs import DiskBlobs
from sagents_infra.connections import MemoryConnections
from sagents_infra.identity import KeyRing, keys_in
from sagents_infra.links.book import LinkBook
from sagents_infra.links.memory import MemoryLinkBook
from sagents_infra.links.places import link_book
from sagents_infra.live import live_channel, people
from sagents_infra.notify.places import notifier_of
from sagents_infra.payloads import DiskStorageDriver, data_converter
from sagents_infra.settings import Settings
from sagents_infra.stores.keeping import Keeping
from sagents_infra.stores.sqlite import SqliteStore


@dataclass(frozen=True)
class Outside:
    """Temporal and the adapters of the ports that a door or a worker talks to."""

    client: Client
    store: Store
    channel: Channel
    presence: Presence
    signer: Signer
    notifier: Notifier
    blobs: Blobs
    settings: Settings
    connections: Connections = field(default_factory=MemoryConnections)
    links: LinkBook = field(default_factory=MemoryLinkBook)

    def close(self) -> None:
        """Let go of what the adapters hold."""
        for part in (self.channel, self.presence, self.store, self.links):
            if callable(close := getattr(part, "close", None)):
                close()
        if callable(release := getattr(self.connections, "release", None)):
            release()


async def open_outside(settings: Settings | None = None) -> Outside:
    """Connect. Raises `CannotAnswer` where Temporal is out of reach."""
    settings = settings or Settings()
    return outside_of(settings, await connect_temporal(settings))


def outside_of(settings: Settings, client: Client) -> Outside:
    """The outside around a client that is connected."""
    settings.home.mkdir(parents=True, exist_ok=True)
    presence, connections = people(settings)
    signer = signing_keys(settings)
    return Outside(
        client=client,
        store=agent_store(settings),
        channel=live_channel(settings, connections),
        presence=presence,
        signer=signer,
        notifier=notifier_of(settings, signer),
        blobs=file_storage(settings),
        settings=settings,
        connections=connections,
        links=link_book(settings),
    )


async def connect(settings: Settings | None = None, lazy: bool = False) -> Outside:
    """The entry point `sagents.wiring`: how `AgentServer.connect` reaches what is above the core."""
    if not lazy:
        return await open_outside(settings)
    settings = settings or Settings()
    options = temporal_options(settings)
    options["lazy"] = True
    return outside_of(settings, await Client.connect(**options))


async def connect_temporal(settings: Settings) -> Client:
    """A client by Temporal's own rules: `TEMPORAL_*` variables and `temporal.toml`."""
    options = temporal_options(settings)
    target = options["target_host"]
    try:
        return await Client.connect(**options)
    except RuntimeError as error:
        raise CannotAnswer(
            f"Temporal does not answer at {target}: {_why(error)}. "
            "`sagents dev` starts a server; TEMPORAL_ADDRESS names another."
        ) from error


def temporal_options(settings: Settings) -> ClientConnectConfig:
    """What a client is connected with."""
    config = cast(ClientConnectConfig, ClientConfig.load_client_connect_config())  # its type names fewer fields
    config.setdefault("target_host", "localhost:7233")
    config["data_converter"] = data_converter(payload_storage(settings))
    config["interceptors"] = telemetry.of_client(settings)
    return config


def _why(error: RuntimeError) -> str:
    """The last of the messages that the SDK nests into each other, as "Connection refused"."""
    messages = re.findall(r'message: "([^"]+)"', str(error))
    return messages[-1] if messages else str(error)


def signing_keys(settings: Settings) -> Signer:
    """The keys of the setting, else those of this machine. Raises `SagentsError` where they are no keys."""
    text = settings.signing_keys.get_secret_value()
    if text.strip().startswith("kms://"):
        from sagents_infra.identity.kms import kms_signer  # boto3 only for who asks for it

        return kms_signer(text)
    return KeyRing.parse(text) if text.strip() else keys_in(settings.keys_path)


def agent_store(settings: Settings) -> Store:
    """Where agents are kept. Raises `InvalidInput` for what is no such place."""
    keeping = Keeping(settings.keep_records, settings.keep_events)
    if settings.store == "sqlite":
        return SqliteStore(settings.store_path, keeping=keeping)
    if settings.store.startswith("dynamodb://"):
        from sagents_infra.stores.dynamodb_address import dynamodb_store  # boto3 only for who asks for it

        return dynamodb_store(settings.store, keeping)
    raise InvalidInput(f"SAGENTS_STORE is {settings.store!r}; it has to be sqlite or dynamodb://TABLE.")


def payload_storage(settings: Settings) -> StorageDriver:
    """Where large payloads go."""
    place = settings.payload_place
    if place.startswith("s3://"):
        from sagents_infra.payloads.s3 import s3_driver

        return s3_driver(place.removeprefix("s3://"))
    return DiskStorageDriver(place)


def file_storage(settings: Settings) -> Blobs:
    """Where agents' files are kept."""
    place = settings.files_place
    if place.startswith("s3://"):
        from sagents_infra.blobs.s3 import s3_blobs

        return s3_blobs(place.removeprefix("s3://"))
    return DiskBlobs(place)


@cache
def resolve_model(name: str) -> Model:
    """A model by its name, from the adapters that are installed (entry points `sagents.models`)."""
    from sagents_infra import offline  # it knows tools and hooks, which doors do without

    if name == offline.NAME:
        return offline.OfflineModel()  # importing an adapter takes seconds, and this one needs none
    resolvers: list[Callable[[str], Model]] = [entry.load() for entry in entry_points(group="sagents.models")]
    if not resolvers:
        raise InvalidAgent(f"No model adapter is installed that could know {name!r}; install sagents with its extras.")
    return resolvers[0](name)
