"""Spans whose end is what is known of them: runs, and calls that sub-agents answer."""

from sagents import telemetry
from sagents.telemetry import Values
from sagents_infra.telemetry import naming
from sagents_infra.telemetry.listening import Scope, problem
from sagents_infra.telemetry.origins import Origins
from sagents_infra.telemetry.places import Place
from sagents_infra.telemetry.spans import Spans, What, times_of


async def told(scope: Scope, origins: Origins) -> None:
    """Make the spans of what an activity has told the end of."""
    for event, measurements, metadata in scope.ended:
        if (place := Place.of_event(metadata)) is None:
            continue
        caller = await origins.of(place)
        if event == telemetry.EXECUTION_STOP:
            parent = caller if place.is_root else scope.spans.context(place, caller, place.call_span)
            what = What(_of_run(metadata), problem(metadata), metadata.get("error"))
            name, span_id = f"invoke_agent {metadata.get('agent', '')}".strip(), place.run_span
        else:
            parent = scope.spans.context(place, caller, place.run_span)
            what = What(_of_call(metadata), problem(metadata), _words(scope.spans, metadata))
            name, span_id = f"execute_tool {metadata['tool']}", place.below(metadata["sub_agent_id"]).call_span
        scope.spans.made(name, place, parent, span_id, times_of(measurements), what)


def _of_run(metadata: Values) -> naming.Attributes:
    about = {naming.OPERATION: "invoke_agent", **naming.about(metadata)}
    return {**about, "sagents.run.outcome": metadata["reason"]}


def _of_call(metadata: Values) -> naming.Attributes:
    about = {**naming.about(metadata), **naming.of_tool(metadata)}
    return {**about, "gen_ai.tool.type": "extension", "sagents.sub_agent.id": metadata["sub_agent_id"]}


def _words(spans: Spans, metadata: Values) -> str | None:
    """What the model reads of a tool's error is content."""
    return metadata.get("error") if spans.contents else None
