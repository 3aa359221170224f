"""The base of every value that is kept or sent: immutable, brief on the wire, tolerant of a newer writer."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

KINDS = frozenset({"op", "kind", "type", "reason", "role"})
"""Names of fields that tell kinds of values apart; written even where they equal their default."""


class Frozen(BaseModel):
    """An immutable value that serializes to what differs from its defaults.

    Brevity is not cosmetic: these values enter a workflow's history. It also makes a new field with a default
    invisible in the canonical bytes of older values, so that digests survive an upgrade. Fields that an older
    reader does not know are kept and written back (`extra="allow"`).
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
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
