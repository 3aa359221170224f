"""Decisions that people want remembered, as a model step asks for them."""

from datetime import UTC, datetime
from typing import get_args

from sagents.plan import AgentRef
from sagents.ports import Store
from sagents.rules import Rule, rule_key
from sagents.surroundings import Remembered
from sagents.terms import RememberScope
from sagents_activities.elsewhere import bridged


def remembered(store: Store, agent: AgentRef, run_id: str) -> Remembered:
    """Reads the rules that may apply to the agent's calls, once somebody asks; for user code's loop."""
    found: list[Rule] | None = None

    async def ask(tool: str, digest: str) -> Rule | None:
        nonlocal found
        if found is None:
            found = [Rule.model_validate_json(body) for body in await store.rules(_keys(agent, run_id))]
        now = datetime.now(UTC)
        return next((rule for rule in reversed(found) if rule.holds(tool, digest, now)), None)

    return bridged(ask)


def _keys(agent: AgentRef, run_id: str) -> list[str]:
    keys = [
        rule_key(scope, agent_id=agent.agent_id, run_id=run_id, owner=agent.owner, tenant=agent.tenant)
        for scope in get_args(RememberScope)
    ]
    return [key for key in keys if key is not None]
