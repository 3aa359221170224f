"""Events as text between processes."""

from collections.abc import Sequence

import structlog
from pydantic import TypeAdapter, ValidationError

from sagents.events import Event

log = structlog.get_logger(__name__)

EVENTS = TypeAdapter(tuple[Event, ...])


def written(events: Sequence[Event]) -> str:
    return EVENTS.dump_json(tuple(events)).decode()


def read(agent_id: str, text: str) -> tuple[Event, ...]:
    """The events; none where a newer version wrote what this one does not understand."""
    try:
        return EVENTS.validate_json(text)
    except ValidationError as error:
        log.warning("events not understood", agent_id=agent_id, error=str(error))
        return ()
