"""Which agents can be started: by a setting, or as the application says that `SAGENTS_APP` names."""

import os
from functools import cache

from sagents.errors import AgentNotRegistered
from sagents_infra.http.models import Agents
from sagents_infra.http.options import HttpOptions
from sagents_infra.http.problems import UNKNOWN_AGENTS, Refusal
from sagents_infra.http.routing import READS, Options, answers, new_router

router = new_router()


@router.get(
    "/agents",
    summary="The agents that can be started",
    tags=["agents"],
    security=READS,
    operation_id="list_agents",
    responses=answers(200, Agents, "Their names, sorted", UNKNOWN_AGENTS),
)
def agents(options: Options) -> Agents:
    names = known(options)
    if names is None:
        raise Refusal(UNKNOWN_AGENTS, "Set SAGENTS_HTTP_AGENTS=name,name, or SAGENTS_APP where the code is here.")
    return Agents(agents=sorted(names))


def check_name(name: str, options: HttpOptions) -> None:
    """Raise `AgentNotRegistered` where it is known that there is no such agent. Without a name workers choose."""
    names = known(options)
    if names is not None and (name not in names if name else len(names) != 1):
        raise AgentNotRegistered(name, names)


def known(options: HttpOptions) -> tuple[str, ...] | None:
    """The names; None where nobody has said."""
    return options.names or _of_app(os.environ.get("SAGENTS_APP", ""))


@cache
def _of_app(spec: str) -> tuple[str, ...] | None:
    """The door of a function has no application with it: its code is imported only where it is named here."""
    if not spec:
        return None
    from sagents.app import load_app

    return load_app(spec).names
