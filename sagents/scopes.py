"""Where files belong: to an agent, a user, a project or an organization, each within its tenant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Literal, TypeAlias

from pydantic import JsonValue

from sagents.errors import FileRefused
from sagents.frozen import Frozen

ScopeName: TypeAlias = Literal["agent", "user", "project", "organization"]

LONGEST = 120
"""Characters of a scope's name in keys; what is longer is named by its digest."""

NAMES: Mapping[ScopeName, tuple[str, ...]] = {
    "user": ("user", "owner"),
    "project": ("project",),
    "organization": ("organization",),
}
"""What an agent's `scope` calls them; the first that is there counts."""


class Scope(Frozen):
    """Files with a common owner. Two scopes have different keys, also where case does not count."""

    name: ScopeName = "agent"
    id: str = ""
    tenant: str = ""

    @classmethod
    def of(cls, name: ScopeName, agent_id: str, scope: Mapping[str, JsonValue]) -> Scope:
        """The scope of this name for an agent with this id and `scope`. Raises `FileRefused` where it has none."""
        tenant = _text(scope.get("tenant"))
        if not tenant and scope.get("tenant") not in (None, ""):
            raise FileRefused("This agent's tenant is neither a text nor a number, so that it has no files.")
        if name == "agent":
            return cls(id=agent_id, tenant=tenant)
        found = next((text for word in NAMES[name] if (text := _text(scope.get(word)))), "")
        if not found:
            words = " or ".join(repr(word) for word in NAMES[name])
            raise FileRefused(f"This agent's scope names no {name}: start it with {words} in its scope.")
        return cls(name=name, id=found, tenant=tenant)

    @property
    def key(self) -> str:
        """`agent/<id>` or `tenants/<tenant>/agent/<id>`: safe as a folder and as the beginning of an object's key."""
        own = f"{self.name}/{quoted(self.id)}"
        return f"tenants/{quoted(self.tenant)}/{own}" if self.tenant else own

    def __str__(self) -> str:
        return f"{self.name} {self.id!r}"


def quoted(name: str) -> str:
    """A name as one segment of a path, different for different names: lower case, never empty, `.` or too long."""
    data = name.encode("utf-8", "surrogatepass")
    text = "".join(chr(byte) if _PLAIN.match(chr(byte)) else f"%{byte:02x}" for byte in data)
    text = f"%2e{text[1:]}" if text.startswith(".") else text
    return text if 0 < len(text) <= LONGEST else f"%%{sha256(data).hexdigest()}"


_PLAIN = re.compile(r"[a-z0-9._-]")


def _text(value: JsonValue) -> str:
    """An id as people write it; anything else than a text or a whole number names nobody."""
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_id else ""
