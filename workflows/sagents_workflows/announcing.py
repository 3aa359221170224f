"""News that no other activity carries: a message queued behind a run. Told by one activity at a time."""

from temporalio import workflow
from temporalio.exceptions import FailureError

from sagents_workflows import gate
from sagents_workflows.life import Life

with workflow.unsafe.imports_passed_through():
    from sagents.briefs import waiting_data
    from sagents.plan import AnnounceRequest


async def announce(life: Life) -> None:
    """Tell news while a run is under way; at rest they go with the save. Never returns.

    The activity takes its time, so that what comes meanwhile goes out together: a timer here would be two events.
    """
    told = 0
    while True:
        await workflow.wait_condition(lambda: life.has_news and life.awake and life.head.status.is_running)
        told += 1
        if life.below.is_news:
            waits = life.below.tell()
            life.show_attributes()
            life.tell("status_changed", status=life.status, data=waiting_data(life.waiting) if waits else None)
        key = f"news:{workflow.info().run_id}:{told}"
        life.announcing = True
        try:
            await gate.announce(AnnounceRequest(agent=life.head.agent, key=key, news=life.told()))
        except FailureError:
            life.problem = "Some news could not be told; the agent goes on."
        finally:
            life.announcing = False
