"""What the product needs from outside, as small protocols. Adapters live in `sagents_infra`."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import AwareDatetime, Field, JsonValue

from sagents.cards import AgentCard
from sagents.display import DisplayMessage
from sagents.events import Event
from sagents.frozen import Frozen
from sagents.messages import ContentPart, Message
from sagents.scopes import Scope
from sagents.viewers import Viewer, Viewers


class ToolSpec(Frozen):
    """A tool as a model sees it; `parameters` is a JSON Schema of type object."""

    name: str
    description: str = ""
    parameters: Mapping[str, JsonValue] = Field(default_factory=dict)


class Delta(Frozen):
    """A fragment of a reply while it streams."""

    text: str = ""
    thinking: str = ""
    tool_name: str | None = None


class ModelRequest(Frozen):
    """Everything that one model call depends on."""

    system_prompt: str = ""
    messages: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()


DeltaSink = Callable[[Delta], None]


class Model(Protocol):
    """A language model. `ask` streams to `on_delta` and returns the assistant's whole message, usage included.

    It raises `ModelError` and nothing else; the caller counts tries, waits and falls back.
    A cancelled `ask` closes its connection.
    """

    @property
    def name(self) -> str: ...

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message: ...


class Base(Frozen):
    """A confirmed save: how many operations it holds and the digest that rolled over them."""

    position: int = 0
    digest: str = ""


class SavedHead(Frozen):
    """The newest head in the store and the fence around it (DESIGN section 4.4). `head` is JSON, None while waking."""

    generation: int
    workflow_run_id: str
    seq: int = -1
    head: str | None = None
    base: Base = Base()


class Segment(Frozen):
    """The operations that a save appends to `parent`; a `snapshot` of the whole state in their place when due."""

    base: Base
    parent: Base
    operations: str
    snapshot: str | None = None


class Save(Frozen):
    """One save of one agent, fenced by the workflow run and its rising `seq`; None for `segment` moves no base.

    `interrupts` are all that are pending now, each the JSON of an `InboxItem`; they replace those of the last save.
    `entries` are what happened to interrupts since, each the JSON of an `Entry`, for the decision log; `rules` are
    decisions to remember, each the JSON of a `Rule`. What is stored already, by its slot or id, stays as it is; what is
    not is written also for a retry, whose head is left out: nothing that was decided is lost between the two.
    `card`, the JSON of an `AgentCard`, puts the agent on the list of agents; None leaves what stands there.
    """

    agent_id: str
    workflow_run_id: str
    seq: int
    head: str
    base: Base = Base()
    segment: Segment | None = None
    interrupts: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    card: str | None = None


class News(Frozen):
    """An event on its way into the log. Its `slot` says where in which step it belongs: the first one there stays.

    A `row` is written along with it, or left out with it. A new one gets the event's id for its `number`; one whose id
    is in the transcript already is replaced, and keeps the `number` and `at` that it has there.
    """

    slot: str
    event: Event
    row: DisplayMessage | None = None


class Chain(Frozen):
    """What a base is read from: a snapshot (None: from nothing) and the segments since, oldest first."""

    snapshot: str | None = None
    segments: tuple[str, ...] = ()


class Weight(Frozen):
    """Characters of a base's newest snapshot and of the segments since it; tells when a snapshot is due."""

    snapshot: int = 0
    segments: int = 0


class PendingInterrupt(Frozen):
    """An interrupt in the store: `interrupt` is the JSON of an `InboxItem`."""

    agent_id: str
    interrupt: str


class Claim(Frozen):
    """Who says to look after an interrupt, and until when."""

    agent_id: str
    interrupt_id: str
    by: str
    until: AwareDatetime

    def holds(self, now: datetime) -> bool:
        """Whether it has not ended."""
        return now < self.until


class Notice(Frozen):
    """What a notifier sends. `kind` is requested, reminded, escalated, decided, expired, cancelled or superseded.

    `item` is the JSON of an `InboxItem`; `targets` are as the policy's `notify` has them, empty for the default.
    """

    id: str
    kind: str
    agent_id: str
    interrupt_id: str
    item: str
    targets: tuple[str, ...] = ()


class Store(Protocol):
    """Where agents are kept. All values are JSON texts: a store never looks inside.

    Every write names its workflow run and is refused with `Superseded` when the row belongs to another, or to nobody:
    so who writes begins with `take_over`. A store that cannot be read or written just now, for whatever reason a person
    can mend, raises `StoreUnavailable`. `tests/infra/stores/test_contract.py` is the specification.
    """

    async def load(self, agent_id: str) -> SavedHead | None:
        """The row as it is; None where there is none."""

    async def take_over(self, agent_id: str, workflow_run_id: str, generation: int) -> SavedHead:
        """Make `workflow_run_id` the writer, if the row still has `generation` (0: there is no row).

        Returns the row as it is now: under generation + 1, its head and base as they were, its seq -1, since every
        workflow run counts its saves from 0. For who is the writer already nothing changes: a retry finds its own
        footprint. Raises `Superseded` when somebody else was faster.
        """

    async def save(self, save: Save) -> SavedHead:
        """Keep a head and, where it moves the base, its segment; both or neither. Returns the row as it is now.

        A higher seq replaces. An equal seq with an equal base is a retry: it succeeds and what is stored stays
        (the caller reads from the answer which head that is). All else is `Superseded`.
        A base that is already stored is left as it is.
        """

    async def chain(self, agent_id: str, digest: str) -> Chain | None:
        """What the base with this digest is read from; None where it is not stored.

        The chain goes from parent to parent, to the nearest snapshot or to the digest `""`, the base of nothing. After
        a reset a base may have several children. Where a parent is missing the base is `Damaged`.
        """

    async def weight(self, agent_id: str, digest: str) -> Weight | None:
        """How heavy the chain of a base is, without reading it; None where the base is not stored."""

    async def put_once(self, agent_id: str, key: str, body: str, workflow_run_id: str) -> str:
        """Write `body` under `key` unless there is one; returns what is stored now. The first write wins."""

    async def get(self, agent_id: str, key: str) -> str | None:
        """What `put_once` stored."""

    async def append(self, agent_id: str, news: Sequence[News], workflow_run_id: str | None) -> tuple[Event, ...]:
        """Write events to the agent's log and return them with their ids, which only ever rise, and rows with them.

        A slot that is taken keeps its event, and that one is returned: a retry repeats nothing and replaces nothing.
        Fenced like `put_once`. A door has no workflow run: it writes to whose row there is, and where there is none,
        nothing; then the answer is empty.
        """

    async def events(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        """Events with ids above `after`, oldest first."""

    async def trim(self, agent_id: str, before: int) -> int:
        """Forget the events with ids below `before`, and their slots; how many. Rows stay, and ids go on rising."""

    async def rows(
        self, agent_id: str, *, after: int | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[DisplayMessage, ...]:
        """A page of the transcript, by number: the first rows above `after`, else the last ones (below `before`)."""

    async def row(self, agent_id: str, row_id: str) -> DisplayMessage | None:
        """A row of the transcript as it is now; None where there is none."""

    async def agents(self, prefix: str = "", after: str = "", limit: int = 100) -> tuple[AgentCard, ...]:
        """The cards that saves have given, sorted by agent id: of ids that begin with `prefix` and follow `after`."""

    async def deposit(self, agent_id: str, key: str, body: str) -> None:
        """Leave something for the agent to fetch with `get`; not fenced, because doors do it. The first write wins."""

    async def interrupts(self, agent_id: str | None = None) -> tuple[PendingInterrupt, ...]:
        """What waits for people, as the last saves have it: of one agent or of all, oldest first."""

    async def log(self, agent_id: str, entries: Sequence[str], workflow_run_id: str) -> None:
        """Add entries (each the JSON of an `Entry`) to the agent's decision log; a slot that is there already stays.

        Fenced like `put_once`. Rows are chained by `sagents.decision_log.row_after`, in the transaction that adds them.
        """

    async def logged(self, agent_id: str, after: int = 0, limit: int = 500) -> tuple[str, ...]:
        """The rows of the agent's decision log with numbers above `after`, each the JSON of a `Row`, oldest first."""

    async def logs(self) -> tuple[str, ...]:
        """Ids of the agents that have a decision log, sorted; those that sleep, too."""

    async def rules(self, keys: Sequence[str] | None = None) -> tuple[str, ...]:
        """The remembered rules under these keys, or all there are, each the JSON of a `Rule`, oldest first."""

    async def revoke_rule(self, rule_id: str, by: str, at: datetime) -> bool:
        """Mark a rule as revoked, for good; False where there is none or it is revoked already."""

    async def claim(
        self, agent_id: str, interrupt_id: str, by: str, until: datetime | None, now: datetime
    ) -> Claim | None:
        """Put a name on an interrupt for a while, so that others leave it alone; the claim that holds now.

        Another's claim that holds at `now` (the door's clock) stays. `until` None gives up one's own. The save after
        which the interrupt waits no more forgets the claim on it.
        """

    async def claims(self, agent_id: str | None = None) -> tuple[Claim, ...]:
        """The claims on interrupts of one agent or of all, ended ones too."""

    async def delete(self, agent_id: str) -> None:
        """Forget everything about an agent: its decision log, the rules made in it and claims on it, too.

        And about its sub-agents, at whatever depth: their ids begin with its own and a slash.
        """


@dataclass(frozen=True)
class Blob:
    """A file as it is stored. `version` tells this content from others; `metadata` is small and ours to fill."""

    data: bytes = field(repr=False)
    version: str
    modified_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BlobInfo:
    """A file as a list shows it."""

    path: str
    size: int
    modified_at: datetime


class Blobs(Protocol):
    """Where files are kept, by scope and path; a path is one that `sagents.file_paths.checked` has let through.

    Each call is all or nothing, also between processes: who reads sees what somebody has written whole. Writing over
    a file names the version that it replaces. `StoreUnavailable` where the storage is out of reach, `FileRefused`
    where a path cannot be a file there. `tests/infra/blobs/test_contract.py` is the specification.
    """

    async def get(self, scope: Scope, path: str) -> Blob | None:
        """The file; None where there is none."""

    async def put(self, scope: Scope, path: str, data: bytes, metadata: Mapping[str, str], expected: str | None) -> str:
        """Write a file and return its version. `expected` is the version it replaces, None where there is no file.

        Raises `FileChanged` where that is not so, and writes nothing. Metadata have names in
        lower case, and take up to 1,400 bytes.
        """

    async def delete(self, scope: Scope, path: str, expected: str | None = None) -> bool:
        """Remove a file; whether it was there. Raises `FileChanged` where another version is `expected`."""

    async def listed(self, scope: Scope, prefix: str = "/") -> tuple[BlobInfo, ...]:
        """The files whose paths begin with this text, sorted by path."""

    async def clear(self, scope: Scope) -> None:
        """Remove all files of a scope."""


@dataclass(frozen=True, kw_only=True)
class ServerAddress:
    """Where a server of tools is: at a `url`, or a program that a worker starts and talks to by stdin and stdout.

    `name` is for people. Equal addresses share a connection, so that whoever has other `headers` has one of their own.
    """

    name: str
    url: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    command: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    cwd: str | None = None
    patience: timedelta = timedelta(seconds=30)
    """How long connecting and listing may take."""
    refresh_after: timedelta = timedelta(minutes=5)
    """How long a list of tools counts, unless the server says sooner that it has changed."""


class ServerTool(Frozen):
    """A tool as its server describes it. What it says of itself are hints: `destructive` where it does not deny it."""

    name: str
    title: str = ""
    description: str = ""
    parameters: Mapping[str, JsonValue] = Field(default_factory=dict)
    read_only: bool = False
    destructive: bool = True
    idempotent: bool = False

    @property
    def may_run_twice(self) -> bool:
        return self.read_only or self.idempotent


class ServerAnswer(Frozen):
    """What a call came to: `content` for the model, `value` for programs."""

    content: tuple[ContentPart, ...] = ()
    value: JsonValue = None
    is_error: bool = False


class ToolServer(Protocol):
    """Another program that offers tools, as an MCP server does. Found by the entry point group `sagents.tool_servers`.

    Connections belong to the process and its event loop, and are made anew where they broke. Where the server is out
    of reach, or breaks off in a call that may not run twice, `ToolServerFailed` is raised.
    """

    async def tools(self) -> tuple[ServerTool, ...]:
        """What it offers, from memory where that is new enough; while it is out of reach, what it offered last."""

    async def call(
        self, tool: ServerTool, arguments: Mapping[str, JsonValue], on_progress: Callable[[str], None]
    ) -> ServerAnswer:
        """Run one of its tools. An error of the tool's or the protocol's is an answer that says so."""


class Signer(Protocol):
    """Signs what a door vouches for, and checks it. Keys have ids, so that a new one takes over while old ones hold."""

    async def sign(self, data: bytes) -> tuple[str, str]:
        """The id of the key that signs now, and the signature as text."""

    async def verify(self, key_id: str, data: bytes, mac: str) -> bool:
        """Whether the key of this id made this signature; False for an unknown or withdrawn key."""

    async def knows(self, key_id: str) -> bool:
        """Whether there is a key of this id that still holds."""


class Notifier(Protocol):
    """Tells people outside of the application that somebody is waited for, or is not any more."""

    async def notify(self, notice: Notice) -> None:
        """Send one notice. At least once: `notice.id` is the same for a repetition. Failing costs only this notice."""


class Presence(Protocol):
    """Who looks at which topic (the document's presence module). Doors write it, the kernel asks it before it leaves.

    A lease ends by itself unless renewed, so that a lost disconnect keeps no agent awake.
    """

    async def join(self, topic: str, viewer: Viewer) -> None:
        """Track a connection of a viewer; renews its lease where it is tracked already."""

    async def leave(self, topic: str, viewer: str, connection: str | None = None) -> None:
        """Forget a connection, or the viewer with all of them."""

    async def viewers(self, topic: str) -> Viewers:
        """Who is there now, ended leases left out."""


class Channel(Protocol):
    """Carries live events between processes. Nothing is kept: who listens late has missed it."""

    async def publish(self, agent_id: str, events: Sequence[Event]) -> None:
        """Announce to whoever listens, in this order. Never fails and never waits long: the agent goes on."""

    def listen(self, agent_id: str) -> AsyncGenerator[Event, None]:
        """Events from the first `__anext__` on, until `aclose`. Who is much too slow loses the oldest ones."""
