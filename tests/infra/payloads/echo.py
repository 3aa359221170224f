"""A workflow whose values are large each way: an activity's result, an update's argument, a query's answer."""

from datetime import timedelta

from pydantic import BaseModel
from temporalio import activity, workflow


class Text(BaseModel):
    text: str


@activity.defn
async def produce(size: int) -> Text:
    return Text(text="r" * size)


@workflow.defn
class Echo:
    def __init__(self) -> None:
        self.kept = Text(text="")
        self.done = False

    @workflow.run
    async def run(self, size: int) -> Text:
        result = await workflow.execute_activity(produce, size, start_to_close_timeout=timedelta(seconds=30))
        await workflow.wait_condition(lambda: self.done)
        return result

    @workflow.update
    async def keep(self, value: Text) -> int:
        self.kept = value
        return len(value.text)

    @workflow.query
    def what_is_kept(self) -> Text:
        return self.kept

    @workflow.signal
    def finish(self, value: Text) -> None:
        self.done = value.text == self.kept.text
