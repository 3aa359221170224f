"""A workflow as ours must not be: it imports an application, and so the sandbox does."""

from temporalio import workflow

from tests.support.apps import noted


@workflow.defn
class Careless:
    """Knows an agent's code."""

    @workflow.run
    async def run(self) -> list[str]:
        return list(noted.app.names)
