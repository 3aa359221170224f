"""The base of every value that is kept or sent: immutable, brief on the wire, tolerant of a newer writer."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

KINDS = frozenset({"op", "kind", "type", "reason", "role"})
"""Names of fields that tell kinds of values apart; written even where they equal their default."""


LATER = ConfigDict(defer_build=True)
"""What is built when it is first used."""


class Frozen(BaseModel):
    """An immutable value that serializes to what differs from its defaults.

    Brevity is not cosmetic: these values enter a workflow's history. It also makes a new field with a default
    invisible in the canonical bytes of older values, so that digests survive an upgrade. Fields that an older
    reader does not know are kept and written back (`extra="allow"`).

    What validates and writes a kind of values is built when the first one is made: a door that takes messages does not
    wait for the rest. Workers build all of it before they begin (`build_all`), for a workflow's task has little time.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False, defer_build=True)
    _defaults: ClassVar[dict[str, Any]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls._defaults = {
            name: field.get_default(call_default_factory=True, validated_data={})
            for name, field in cls.model_fields.items()
            if name not in KINDS and not field.is_required()
        }

    @model_serializer(mode="wrap")
    def _brief(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        for name, default in self._defaults.items():
            if getattr(self, name) == default:
                written.pop(name, None)
        return written

    def but(self, **changes: Any) -> Self:
        """The same value with some fields changed. Trusts its caller: nothing is validated."""
        return self.model_copy(update=changes)


def build_all() -> None:
    """Build every kind of values that is imported by now; the work that its first use would have had to do."""
    waiting = [Frozen]
    for kind in waiting:
        kind.model_rebuild()
        waiting += kind.__subclasses__()
