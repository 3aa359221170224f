"""The state that an agent and a page share: a snapshot at the beginning of a run, patches (RFC 6902) after that."""

from collections.abc import Iterator, Mapping
from typing import Any

from ag_ui.core import BaseEvent, StateDeltaEvent, StateSnapshotEvent


class SharedState:
    """`status`, `todos` and `title`, beside what the page keeps there for itself."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self.value: dict[str, Any] = {"status": "idle", "todos": [], **known}

    @property
    def snapshot(self) -> StateSnapshotEvent:
        return StateSnapshotEvent(snapshot=self.value)

    def tell(self, key: str, value: Any) -> None:
        """Make this true for the next snapshot."""
        self.value = {**self.value, key: value}

    def set(self, key: str, value: Any) -> Iterator[BaseEvent]:
        """The patch that makes this true; none where it is."""
        patch = (
            _patch(f"/{key}", self.value[key], value) if key in self.value else [_operation("add", f"/{key}", value)]
        )
        self.tell(key, value)
        if patch:
            yield StateDeltaEvent.model_validate({"delta": patch})


Operation = dict[str, Any]


def _patch(path: str, old: Any, new: Any) -> list[Operation]:
    """Lists that only grew or changed in places are patched there; anything else is replaced."""
    if old == new:
        return []
    if not isinstance(old, list) or not isinstance(new, list) or len(new) < len(old) or not old:
        return [_operation("replace", path, new)]
    changed = [
        _operation("replace", f"{path}/{place}", after)
        for place, (before, after) in enumerate(zip(old, new, strict=False))
        if before != after
    ]
    return changed + [_operation("add", f"{path}/-", one) for one in new[len(old) :]]


def _operation(op: str, path: str, value: Any) -> Operation:
    return {"op": op, "path": path, "value": value}
