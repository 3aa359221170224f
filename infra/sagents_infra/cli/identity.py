"""Who decides, and what is to be remembered of it, as options say it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, overload

from sagents import InvalidInput
from sagents.decision_log import Remember
from sagents.principal import Principal
from sagents_infra.cli.spans import span

CHANNEL = "cli"
"""Where decisions of this command line come from, as their log says."""

SCOPES = ("run", "conversation", "user")


@overload
def person(name: str | None, groups: Sequence[str] | None, tenant: str | None) -> Principal | None: ...
@overload
def person(name: str | None, groups: Sequence[str] | None, tenant: str | None, *, needed: str) -> Principal: ...
def person(
    name: str | None, groups: Sequence[str] | None, tenant: str | None, *, needed: str | None = None
) -> Principal | None:
    """The person that is meant; without a name None, for whom this is an operator's command.

    `needed` says what cannot do without one.
    """
    if name:
        return Principal(name, tuple(groups or ()), tenant)
    if needed:
        raise InvalidInput(f"{needed} needs somebody: say who by --as NAME (and --group NAME, --tenant NAME).")
    if groups or tenant:
        raise InvalidInput("--group and --tenant are those of somebody: say who by --as NAME.")
    return None


def remembered(scope: str | None, ttl: str | None, any_arguments: bool) -> Remember | None:
    """What of a decision is to hold later."""
    if scope is None:
        if ttl or any_arguments:
            raise InvalidInput("--ttl and --any-arguments say how a decision is remembered: say how far by --remember.")
        return None
    if scope not in SCOPES:
        raise InvalidInput(f"{scope!r} is nothing that remembers; write --remember {' | '.join(SCOPES)}.")
    given: Any = {
        "scope": scope,
        "match": "any" if any_arguments else "exact",
        "ttl_ms": None if ttl is None else span(ttl) // timedelta(milliseconds=1),
    }
    return Remember.model_validate(given)
