"""Ids of agents and what may be one."""

import pytest

from sagents import InvalidInput
from sagents.client import agent_id_for


def test_a_conversation_has_an_agent_of_its_own() -> None:
    """L-57."""
    assert agent_id_for("123") == "conversation-123"


def test_two_tenants_never_meet_in_one_agent() -> None:
    assert agent_id_for("7", {"tenant": "acme"}) == "acme:conversation-7"
    assert agent_id_for("7", {"tenant": ""}) == "conversation-7"


@pytest.mark.parametrize("conversation", ["with space", "a/b", "ü", "x" * 200])
def test_what_a_store_or_temporal_would_choke_on_is_refused(conversation: str) -> None:
    with pytest.raises(InvalidInput, match="is no agent id"):
        agent_id_for(conversation)
