"""Who may write an agent's row, and what the row is then: the rules of DESIGN 4.4 as functions of the row.

    worker A, run 1   ──save(seq 3)──────────────────────────x late save(seq 4): Superseded
    worker B, run 2   ─────────────take_over(generation 1)───save(seq 0)─ok→

{generation, workflow_run_id, seq} decide; clocks on two machines cannot.
"""

from sagents.errors import Superseded
from sagents.ports import Save, SavedHead

NO_ROW = SavedHead(generation=0, workflow_run_id="")


def claimed(agent_id: str, row: SavedHead | None, workflow_run_id: str) -> SavedHead:
    """The row, if it is this workflow run's. Nobody's row is not: who writes takes over first."""
    if row is None or row.workflow_run_id != workflow_run_id:
        raise Superseded(agent_id, workflow_run_id, (row or NO_ROW).workflow_run_id)
    return row


def taken_over(agent_id: str, row: SavedHead | None, workflow_run_id: str, generation: int) -> SavedHead:
    """The row for the new writer, who counts its saves anew; unchanged for the one who is the writer already."""
    row = row or NO_ROW
    if row.workflow_run_id == workflow_run_id:
        return row
    if row.generation != generation:
        raise Superseded(agent_id, workflow_run_id, row.workflow_run_id)
    return row.but(generation=generation + 1, workflow_run_id=workflow_run_id, seq=-1)


def saved(row: SavedHead | None, save: Save) -> SavedHead:
    """The row after a save; the very same row when the save is a retry of the one it holds."""
    row = claimed(save.agent_id, row, save.workflow_run_id)
    if save.seq > row.seq:
        return row.but(seq=save.seq, head=save.head, base=save.base)
    if (save.seq, save.base) == (row.seq, row.base):
        return row
    raise Superseded(save.agent_id, save.workflow_run_id, row.workflow_run_id)


def is_of(agent_id: str, root_id: str) -> bool:
    """Whether it is this agent, or a sub-agent somewhere below it."""
    return agent_id == root_id or agent_id.startswith(f"{root_id}/")
