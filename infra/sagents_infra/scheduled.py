"""The workflow that a schedule starts: one message to one agent."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

WORKFLOW = "ScheduledMessage"
ACTIVITY = "send_scheduled"


@workflow.defn(name=WORKFLOW)
class ScheduledMessage:
    """Gives an agent its message; over within seconds, whatever the agent makes of it."""

    @workflow.run
    async def run(self, message: dict[str, object]) -> None:
        # A door may find nobody for a while, as everywhere; after an hour the next time of the schedule is near.
        await workflow.execute_activity(
            ACTIVITY,
            {**message, "id": f"scheduled-{workflow.info().workflow_id}"},
            start_to_close_timeout=timedelta(seconds=60),
            schedule_to_close_timeout=timedelta(hours=1),
            retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
            summary=f"a message to {message['agent']}",
        )
