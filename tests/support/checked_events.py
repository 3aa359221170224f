"""What agents really announce is what the models of events say (B-101, B-102)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydantic import ValidationError

from sagents.event_types import EVENT_TYPES
from sagents.events import Event
from sagents_infra.channels import MemoryChannel

OPEN = frozenset({"middleware_action"})
"""Types in which whoever tells them may say more."""


@contextmanager
def checked_events() -> Iterator[list[str]]:
    """While inside, everything that is published on channels in memory is looked at: what is wrong, in words."""
    found: list[str] = []
    publish = MemoryChannel.publish

    async def checked(self: MemoryChannel, agent_id: str, events: Sequence[Event]) -> None:
        for event in events:
            found.extend(problems(event))
        await publish(self, agent_id, events)

    MemoryChannel.publish = checked  # type: ignore[method-assign]
    try:
        yield found
    finally:
        MemoryChannel.publish = publish  # type: ignore[method-assign]


def problems(event: Event) -> list[str]:
    """How an event differs from its model; those of a test's own type have none."""
    model = EVENT_TYPES.get(event.type)
    if model is None:
        return []
    try:
        said = model.model_validate(event.data)
    except ValidationError as error:
        return [f"{event.type} {dict(event.data)}: {error}"]
    more = set(said.model_extra or {}) - ({"path"} if event.type not in OPEN else set(event.data))
    return [f"{event.type}: nothing is known of {name!r}" for name in sorted(more)]
