"""News that no other activity carries: a message queued behind a run. Gathered for a moment, told by one activity."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import FailureError

from sagents_workflows import gate
from sagents_workflows.life import Life

with workflow.unsafe.imports_passed_through():
    from sagents.plan import AnnounceRequest

GATHER = timedelta(milliseconds=250)


async def announce(life: Life) -> None:
    """Tell news while a run is under way; at rest they go with the save. Never returns."""
    told = 0
    while True:
        await workflow.wait_condition(lambda: bool(life.news) and life.awake and life.head.status.is_running)
        await workflow.sleep(GATHER)
        news = life.told()
        if not news:
            continue
        told += 1
        key = f"news:{workflow.info().run_id}:{told}"
        life.announcing = True
        try:
            await gate.announce(AnnounceRequest(agent_id=life.head.agent.agent_id, key=key, news=news))
        except FailureError:
            life.problem = "Some news could not be told; the agent goes on."
        finally:
            life.announcing = False
