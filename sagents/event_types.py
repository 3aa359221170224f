"""The types of events: what each of them says, and how to read it."""

from collections.abc import Mapping

from pydantic import ValidationError

from sagents.decision_log import EntryKind
from sagents.event_types_life import LIFE
from sagents.event_types_replies import REPLIES
from sagents.event_types_work import WORK, Approval
from sagents.events import Event, EventData

MODELS = (*LIFE, *REPLIES, *WORK)
"""Each model once, by subject."""

EVENT_TYPES: Mapping[str, type[EventData]] = {
    **{model.type: model for model in MODELS if model is not Approval},
    **{f"{Approval.type}.{kind}": Approval for kind in EntryKind},
}
"""The model of each type that we tell. Applications have types of their own beside these."""

LIVE_ONLY = frozenset(type for type, model in EVENT_TYPES.items() if model.live)
"""Types that are never stored: tokens, which the message that follows has all of, and what is for debuggers."""


def read(event: Event) -> EventData | None:
    """What an event says; None for a type of an application's own, or of a version that this one cannot read."""
    model = EVENT_TYPES.get(event.type)
    try:
        return model.model_validate(event.data) if model else None
    except ValidationError:
        return None
