"""What is on the screen when the demo is over."""

from sagents.client import AgentServer
from sagents_infra.cli.asking import transcript
from sagents_infra.demo.checking import Findings, checks, retried_calls
from sagents_infra.demo.desk import Desk
from sagents_infra.demo.stage import Stage


async def report(agents: AgentServer, agent_id: str, desk: Desk, stage: Stage, ui: str, *, scripted: bool) -> bool:
    """The conversation, the finished work, what was promised and the figures; whether the promises hold."""
    state = await agents.get_state(agent_id)
    info = await agents.agent_info(agent_id)
    retried = await retried_calls(agents, agent_id)
    stage.heading("The conversation, as the agent knows it")
    stage.show(transcript(state))
    if desk.published.exists():
        stage.heading(f"The finished work, {desk.published}")
        stage.show(desk.published.read_text().strip())
    stage.heading("What was promised")
    results = list(checks(Findings(desk, state, info, retried, scripted)))
    for check in results:
        stage.show(f"  {'✓' if check.holds else '✗ NOT TRUE:'} {check.claim}", "green" if check.holds else "bold red")
    if info and info.error:
        stage.show(f"  the run failed: {info.error.message}", "red")
    stage.heading("In Temporal")
    if info:
        stage.show(f"  history  {info.history_events} events, {info.history_bytes:,} bytes")
    stage.show(f"  web ui   {ui}/namespaces/default/workflows/{agent_id}")
    return all(check.holds for check in results)
