"""Where spans belong, and what happens where that cannot be found out (B-135)."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from structlog.testing import capture_logs
from temporalio.api.common.v1 import Payload

from sagents.errors import StoreUnavailable
from sagents.plan import AgentRef, Link, Reference, RunSpec, StepRequest, Sub
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.telemetry import naming
from sagents_infra.telemetry.headers import heard
from sagents_infra.telemetry.origins import Origins
from sagents_infra.telemetry.places import Place

PLACE = Place("a", "r", "a")
CALLER = SpanContext(0xABC, 0xDEF, False, TraceFlags(TraceFlags.SAMPLED))
HEARD = set_span_in_context(NonRecordingSpan(CALLER), Context())


@dataclass
class Claims:
    """A fence that lets everybody in."""

    store: MemoryStore
    claimed: list[str] = field(default_factory=list)

    async def claim(self, agent_id: str) -> Any:
        self.claimed.append(agent_id)
        return await self.store.take_over(agent_id, "w", 0)


def origins(store: MemoryStore) -> Origins:
    fence: Any = Claims(store)
    return Origins(store, fence)


def test_ids_are_the_same_in_every_process_and_every_version() -> None:
    """Workers of two versions work on one run while a deploy goes on."""
    assert f"{PLACE.trace_id:032x}" == "e11b0b0afbad0f4e0b9de87778f9b59e"
    assert f"{PLACE.run_span:016x}" == "c19fcfadeffc6b5a"
    assert f"{PLACE.below('a/research-1.1.0').call_span:016x}" == "fbdb4418b85487d4"
    assert PLACE.trace_id == PLACE.below("a/research-1.1.0").trace_id


def test_a_sub_agent_lives_in_the_run_of_its_root() -> None:
    sub = Sub(root_id="a", root_run_id="r", parent_id="a", path=(Link(name="research"),))
    ref = AgentRef(agent_id="a/research-1.1.0", name="research", sub=sub)
    request = StepRequest(agent=ref, reference=Reference(), run=RunSpec(id="own"))
    assert Place.of_request([request]) == PLACE.below("a/research-1.1.0")
    told = {"agent_id": "a/research-1.1.0", "run_id": "own", "root_agent_id": "a", "root_run_id": "r"}
    assert Place.of_event(told) == PLACE.below("a/research-1.1.0")


@pytest.mark.parametrize("arguments", [[], [None], ["plain"]], ids=["none", "empty", "text"])
def test_what_is_for_no_agent_has_no_place(arguments: list[Any]) -> None:
    assert Place.of_request(arguments) is None


@pytest.mark.asyncio
async def test_the_request_that_a_run_begins_with_is_remembered_for_every_process() -> None:
    store = MemoryStore()
    began = await origins(store).of(PLACE, HEARD, "w")
    other = set_span_in_context(NonRecordingSpan(SpanContext(1, 2, False)), Context())
    later = await origins(store).of(PLACE, other)
    assert began is not None
    assert later is not None
    assert (began.trace_id, began.span_id) == (later.trace_id, later.span_id) == (0xABC, 0xDEF)
    assert later.trace_flags.sampled


@pytest.mark.asyncio
async def test_a_run_that_began_untraced_stays_so() -> None:
    """A traced decision later on is no reason to tear it into two."""
    assert await origins(MemoryStore()).of(PLACE, HEARD) is None


class Broken(MemoryStore):
    """A store that cannot be read."""

    async def get(self, agent_id: str, key: str) -> str | None:
        raise StoreUnavailable("no network")


@pytest.mark.asyncio
async def test_a_store_out_of_reach_costs_the_link_and_is_asked_again() -> None:
    found = origins(Broken())
    with capture_logs() as logged:
        assert await found.of(PLACE, HEARD, "w") is None
        assert await found.of(PLACE, HEARD, "w") is None
    assert [line["event"] for line in logged] == ["the trace of a run is not known"] * 2


def test_a_header_that_is_not_ours_is_no_trouble() -> None:
    assert heard({"_tracer-data": Payload(data=b"?")}) == heard({}) == Context()


@pytest.mark.parametrize(
    ("name", "provider", "model"),
    [
        ("anthropic:claude-sonnet-5-5", "anthropic", "claude-sonnet-5-5"),
        ("bedrock:anthropic.claude-v2:1", "aws.bedrock", "anthropic.claude-v2:1"),
        ("openai-responses:gpt", "openai", "gpt"),
        ("google:gemini", "gcp.gemini", "gemini"),
        ("scripted", "scripted", "scripted"),
    ],
)
def test_models_are_named_as_the_conventions_name_them(name: str, provider: str, model: str) -> None:
    assert naming.of_model(name) == {"gen_ai.provider.name": provider, "gen_ai.request.model": model}
