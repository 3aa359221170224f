"""The application's restart strategy reaches what runs on a worker."""

import pytest

from sagents import Sagents
from sagents.plan import AgentRef
from sagents.retries import Retries
from sagents.retry import Retry
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.presence import MemoryPresence
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.worker import make_kit

pytestmark = pytest.mark.asyncio


async def test_models_and_tools_are_tried_again_as_the_application_says() -> None:
    """L-55."""
    retries = Retries(model=Retry(attempts=7), tool=Retry(attempts=3))
    kit = make_kit(Sagents(retries=retries), MemoryStore(), MemoryChannel(), MemoryPresence())
    around = kit.surroundings(kit.announcer(AgentRef(agent_id="a"), None, "key"), AgentRef(agent_id="a"))
    assert (around.retry, around.tool_retry) == (retries.model, retries.tool)
    kit.userland.close()
