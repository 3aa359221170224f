"""What the command that shows a transcript does."""

from rich.text import Text

from sagents.client import AgentServer
from sagents_infra.cli.drawing_rows import rows_table
from sagents_infra.cli.output import console, show
from sagents_infra.cli.reaching import connected


def rows(agent_id: str, after: int | None, before: int | None, limit: int, text: str | None, as_json: bool) -> None:
    """One page, and below it how to get the one before."""

    async def work(server: AgentServer) -> None:
        found = await server.rows(agent_id, after=after, before=before, limit=limit, text=text)
        if as_json:
            show([row.wire for row in found], "", True)
            return
        if not found:
            show(None, "nothing was found" if text else "nothing was said yet", False)
            return
        console().print(rows_table(found))
        if len(found) == limit and after is None:
            hint = f"earlier ones: sagents rows {agent_id} --before {found[0].number}"
            console().print(Text(hint, style="dim"))

    connected(work, store_is_enough=True)
