"""Which happenings become messages, and to whom: rules in JSON, whose expressions are JMESPath."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jmespath
from aws_lambda_powertools.utilities.jmespath_utils import query
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, field_validator

from sagents.errors import InvalidInput
from sagents_infra.aws.happenings import Happening, Source
from sagents_infra.http.identity import TENANT


class Rule(BaseModel):
    """One way from a happening to a message. The first rule that fits is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source

    where: str = ""
    """An expression that has to hold; by default all of the source."""

    agent: str
    """The agent's name in the app."""

    conversation: str
    """An expression: which conversation the message belongs to."""

    message: str
    """An expression: what the agent is told, a text, or a value that it reads as JSON."""

    owner: str = ""
    tenant: str = ""
    """Expressions, too: whose the conversation is; by default nobody's."""

    @field_validator("where", "conversation", "message", "owner", "tenant")
    @classmethod
    def is_an_expression(cls, written: str) -> str:
        if written:
            try:
                jmespath.compile(written)
            except JMESPathError as error:
                raise ValueError(f"{written!r} is no JMESPath ({type(error).__name__})") from None
        return written

    def fits(self, happening: Happening) -> bool:
        return self.source == happening.source and (not self.where or bool(_found(happening, self.where)))

    def letter(self, happening: Happening) -> "Letter":
        """What is to be sent. Raises `InvalidInput` where the happening has not what the rule asks for."""
        text = self._wanted(happening, "message", self.message)
        return Letter(
            id=f"event-{hashlib.sha256(f'{happening.source}:{happening.id}'.encode()).hexdigest()[:32]}",
            agent=self.agent,
            conversation=self._name(happening, "conversation", self.conversation),
            text=text if isinstance(text, str) else json.dumps(text, ensure_ascii=False),
            scope={
                name: self._name(happening, name, expression)
                for name, expression in (("owner", self.owner), ("tenant", self.tenant))
                if expression
            },
        )

    def _name(self, happening: Happening, what: str, expression: str) -> str:
        """A text or a whole number. Whoever writes the event may write a tenant that, in ids, reads as another."""
        found = self._wanted(happening, what, expression)
        fits = isinstance(found, str) or type(found) is int
        if not fits or (what == "tenant" and not TENANT.fullmatch(str(found))):
            raise InvalidInput(f"{happening.source} {happening.id}: {expression!r} finds nothing that names a {what}.")
        return str(found)

    def _wanted(self, happening: Happening, what: str, expression: str) -> Any:
        found = _found(happening, expression)
        if found is None or found in ("", [], {}):
            raise InvalidInput(f"{happening.source} {happening.id} has no {what}: {expression!r} finds nothing in it.")
        return found


def _found(happening: Happening, expression: str) -> Any:
    try:
        return query(dict(happening.data), expression)
    except (JMESPathError, ValueError) as error:
        raise InvalidInput(
            f"{happening.source} {happening.id}: {expression!r} cannot be asked of it: {error}."
        ) from error


class Letter(BaseModel):
    """A message to an agent that starts with it, if it is not there."""

    id: str
    """The same for the same happening, so that it is taken once."""

    agent: str
    conversation: str
    text: str
    scope: dict[str, str]

    def is_for(self, scope: Mapping[str, Any]) -> bool:
        """Whether an agent of this scope is of the letter's tenant, and its owner's, where it names one."""
        named = self.scope.get("owner")
        ours = named is None or scope.get("owner") in (None, "", named)
        return ours and (scope.get("tenant") or None) == self.scope.get("tenant")


RULES = TypeAdapter(tuple[Rule, ...])


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules of SAGENTS_TRIGGERS: JSON, or the file that has it. Raises `InvalidInput` with what is wrong."""
    written = text if text.lstrip().startswith("[") else _file(Path(text))
    try:
        return RULES.validate_json(written)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the list"
        raise InvalidInput(f"SAGENTS_TRIGGERS: {place}: {first['msg']}.") from None


def _file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"SAGENTS_TRIGGERS is {str(path)!r}, which cannot be read: {error}.") from error
