"""Decisions looked at by a worker: whose they are, and whether they fit (issue 5, points 2 and 7)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, Field
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from sagents import Agent, AgentRequest, Approve, Decision, Edit, HookContext, Middleware, Reject, Respond, Sagents
from sagents.attesting import attest
from sagents.commands import Answering
from sagents.contract import parse_decide, parse_resume
from sagents.interrupts import Interrupt, InterruptStatus
from sagents.plan import AgentRef
from sagents.principal import OPERATOR, Attestation, Principal, Who
from sagents.reviews import Refusal, Reviewed, ReviewRequest
from sagents.testing import ScriptedModel, says
from sagents.tools import Tool, ToolContext, tool
from sagents_activities.kit import Kit
from sagents_activities.review import ReviewActivities
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.identity import KeyRing
from sagents_infra.presence import MemoryPresence
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.worker import make_kit

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(minutes=5)
"""A review that was asked for then is past the time in which a newer worker may still come."""

RING = KeyRing.fresh()
DESK = AgentRef(name="desk", agent_id="desk-1", scope={"tenant": "acme"})
ANNA = Principal("anna", groups=("finance",), tenant="acme")
EVERY_KIND = ("approve", "edit", "reject", "respond")
GATE = Interrupt(id="int_1", tool="refund", allowed_decisions=EVERY_KIND)
FORM = Interrupt(
    id="int_2",
    reason="input_required",
    allowed_decisions=("approve", "reject", "respond"),
    response_schema={
        "type": "object",
        "properties": {"days/nights": {"type": "array", "items": {"type": "integer"}}},
        "required": ["days/nights"],
    },
)


def _checked(order: str) -> str:
    if order == "boom":
        raise RuntimeError("the validator broke")
    return order


@tool
def refund(
    order: Annotated[str, AfterValidator(_checked)], amounts: Annotated[list[float], Field(max_length=3)]
) -> str:
    """Refund an order."""
    return f"{order}: {amounts}"


def call_elsewhere(_context: ToolContext, arguments: dict[str, Any]) -> str:
    return str(arguments)


elsewhere = Tool.from_schema(
    name="elsewhere",
    description="A tool of another server.",
    parameters={"type": "object", "properties": {"to": {"type": "string"}, "count": {"type": "integer"}}},
    function=call_elsewhere,
)


class Moody(Middleware):
    """Has tools only for those who ask nicely."""

    def tools(self, context: HookContext) -> tuple[Tool[..., Any], ...]:
        if context.options.get("mood") == "bad":
            raise RuntimeError("not today")
        return (elsewhere,)


app = Sagents()


@app.agent("desk")
def desk(request: AgentRequest) -> Agent:
    if request.options.get("mood") == "worse":
        raise RuntimeError("no factory today")
    return Agent(model=ScriptedModel(says("hello")), tools=[refund], middleware=[Moody()])


@dataclass(frozen=True)
class Bench:
    """One worker's review, run at the activity's own level."""

    kit: Kit

    async def review(self, request: ReviewRequest, scheduled: datetime = NOW) -> Reviewed:
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, scheduled_time=scheduled)
        # As the wire carries it: a request is JSON on its way to a worker, and so is the answer.
        asked = ReviewRequest.model_validate_json(request.model_dump_json())
        answer = await environment.run(ReviewActivities(self.kit).review, asked)
        return Reviewed.model_validate_json(answer.model_dump_json())


@pytest.fixture
def bench() -> Iterator[Bench]:
    kit = make_kit(app, MemoryStore(), MemoryChannel(), MemoryPresence(), signer=RING)
    yield Bench(kit)
    kit.userland.close()


def deciding(
    decision: Decision,
    interrupt: Interrupt = GATE,
    attestation: Attestation | None = None,
    agent: AgentRef = DESK,
) -> ReviewRequest:
    decisions = (Answering(decision=decision, interrupt_id=interrupt.id),)
    return ReviewRequest(
        agent=agent, run_id="run", record="step", interrupts=(interrupt,), decisions=decisions, attestation=attestation
    )


async def signed(
    request: ReviewRequest,
    principal: Principal = ANNA,
    *,
    agent_id: str = "desk-1",
    at: datetime = NOW,
    ring: KeyRing = RING,
) -> ReviewRequest:
    return request.but(attestation=await attest(ring, principal, agent_id, request.decisions, at))


def invalid(interrupt: Interrupt, message: str, pointer: str = "") -> Refusal:
    return Refusal(type="InvalidDecision", message=message, interrupt_id=interrupt.id, pointer=pointer)


# ---- whose decision it is ----


@pytest.mark.asyncio
async def test_a_door_s_word_makes_a_person(bench: Bench) -> None:
    reviewed = await bench.review(await signed(deciding(Approve())))
    assert reviewed == Reviewed(
        who=Who(subject="anna", groups=("finance",), tenant="acme", channel="api", at=NOW.astimezone(UTC))
    )


@pytest.mark.asyncio
async def test_nobody_s_word_makes_an_operator(bench: Bench) -> None:
    reviewed = await bench.review(deciding(Approve()))
    assert reviewed == Reviewed(who=Who())
    assert reviewed.who is not None
    assert (reviewed.who.is_operator, reviewed.who.channel) == (True, OPERATOR)


Forge = Callable[[ReviewRequest], ReviewRequest]


def _word(**changes: Any) -> Forge:
    def forge(request: ReviewRequest) -> ReviewRequest:
        assert request.attestation is not None
        return request.but(attestation=request.attestation.but(**changes))

    return forge


def _decisions(*decisions: Answering) -> Forge:
    return lambda request: request.but(decisions=decisions)


def _agent(**changes: Any) -> Forge:
    return lambda request: request.but(agent=request.agent.but(**changes))


FORGERIES: dict[str, tuple[Forge, str]] = {
    "another subject": (_word(principal=Principal("boss", tenant="acme")), "forged, or changed"),
    "more groups": (_word(principal=replace(ANNA, groups=("finance", "admins"))), "forged, or changed"),
    "a later end of the identity": (_word(principal=replace(ANNA, expires_at=NOW)), "forged, or changed"),
    "another channel": (_word(channel="slack"), "forged, or changed"),
    "another time": (_word(at=NOW - timedelta(seconds=1)), "forged, or changed"),
    "no signature": (_word(mac=""), "forged, or changed"),
    "a key of nobody": (_word(key_id="mine"), "key 'mine', which this worker does not know"),
    "another agent": (_agent(agent_id="desk-2"), "a decision on the agent 'desk-1', not on 'desk-2'"),
    "an agent of another tenant": (_agent(scope={"tenant": "globex"}), "anna belongs to another tenant"),
    "another decision": (_decisions(Answering(decision=Reject(), interrupt_id="int_1")), "for another decision"),
    "another interrupt": (_decisions(Answering(decision=Approve(), interrupt_id="int_9")), "for another decision"),
    "another digest": (
        _decisions(Answering(decision=Approve(), interrupt_id="int_1", digest="sha256:1")),
        "for another decision",
    ),
    "one more decision": (
        _decisions(
            Answering(decision=Approve(), interrupt_id="int_1"), Answering(decision=Approve(), interrupt_id="int_2")
        ),
        "for another decision",
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize(("forge", "reason"), FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_word_is_refused_by_name_and_makes_nobody(bench: Bench, forge: Forge, reason: str) -> None:
    reviewed = await bench.review(forge(await signed(deciding(Approve()))))
    assert reviewed.who is None
    assert reviewed.refusal is not None
    assert reviewed.refusal.type == "Forbidden"
    assert reason in reviewed.refusal.message


@pytest.mark.asyncio
async def test_a_word_is_believed_under_each_key_and_under_none_that_was_withdrawn(bench: Bench) -> None:
    old, new = KeyRing({"old": b"o" * 32}), KeyRing({"new": b"n" * 32})
    both, request = KeyRing({"new": b"n" * 32, "old": b"o" * 32}), deciding(Approve())
    rotated = Bench(replace(bench.kit, signer=both))
    assert (await rotated.review(await signed(request, ring=old))).refusal is None
    assert (await rotated.review(await signed(request, ring=new))).refusal is None
    withdrawn = await Bench(replace(bench.kit, signer=new)).review(await signed(request, ring=old))
    assert withdrawn.refusal is not None
    assert "key 'old', which this worker does not know, or no longer" in withdrawn.refusal.message


@pytest.mark.asyncio
async def test_an_identity_that_had_expired_decides_nothing(bench: Bench) -> None:
    reviewed = await bench.review(await signed(deciding(Approve()), replace(ANNA, expires_at=NOW)))
    assert reviewed.refusal is not None
    assert (reviewed.who, reviewed.refusal.type, reviewed.refusal.interrupt_id) == (None, "Forbidden", "int_1")
    assert "identity of anna had expired" in reviewed.refusal.message


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("at", "reason"), [(NOW - timedelta(hours=25), "too old"), (NOW + timedelta(minutes=2), "from the future")]
)
async def test_a_word_holds_for_a_day(bench: Bench, at: datetime, reason: str) -> None:
    reviewed = await bench.review(await signed(deciding(Approve()), at=at))
    assert reviewed.refusal is not None
    assert reason in reviewed.refusal.message


@pytest.mark.asyncio
async def test_a_word_does_not_grow_too_old_while_it_waits_for_a_worker(bench: Bench) -> None:
    at = NOW - timedelta(days=3)
    reviewed = await bench.review(await signed(deciding(Approve()), at=at), scheduled=at + timedelta(seconds=1))
    assert reviewed.who is not None
    assert reviewed.who.at == at


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "decisions",
    [
        parse_decide({"interrupt_id": "int_1", "type": "approve", "by": "anna"}).decisions,
        parse_resume([{"type": "approve", "by": {"subject": "anna", "groups": ["finance"]}}]).decisions,
    ],
)
async def test_who_is_named_in_a_payload_stays_an_operator(bench: Bench, decisions: tuple[Answering, ...]) -> None:
    reviewed = await bench.review(deciding(Approve()).but(decisions=decisions))
    assert reviewed.who == Who()


@pytest.mark.asyncio
async def test_the_signature_is_looked_at_before_the_agent_s_code_runs(bench: Bench) -> None:
    """Who may not decide learns nothing of the agent, and makes none of its code run."""
    edit = await signed(deciding(Edit({"order": 7}), agent=DESK.but(options={"mood": "worse"})))
    reviewed = await bench.review(_word(mac="")(edit))
    assert reviewed.refusal is not None
    assert reviewed.refusal.type == "Forbidden"


# ---- whether it fits ----


@pytest.mark.asyncio
async def test_new_arguments_that_fit_the_tool_are_taken(bench: Bench) -> None:
    reviewed = await bench.review(await signed(deciding(Edit({"order": "7", "amounts": [1]}))))
    assert reviewed.refusal is None
    assert reviewed.who is not None
    assert reviewed.who.subject == "anna"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("arguments", "pointer", "words"),
    [
        ({"order": "7"}, "/arguments/amounts", "amounts: required"),
        ({"order": "7", "amounts": [1, "x"]}, "/arguments/amounts/1", "valid number"),
        ({"order": "7", "amounts": [1], "a/b": 1}, "/arguments/a~1b", "no such parameter"),
        ({"order": "7", "amounts": [1, 2, 3, 4]}, "/arguments/amounts", "at most 3 items"),
        ({"order": "boom", "amounts": [1]}, "", "RuntimeError: the validator broke"),
    ],
)
async def test_new_arguments_that_do_not_fit_are_refused_with_the_place(
    bench: Bench, arguments: dict[str, Any], pointer: str, words: str
) -> None:
    reviewed = await bench.review(await signed(deciding(Edit(arguments))))
    assert reviewed.refusal is not None
    assert (reviewed.refusal.type, reviewed.refusal.interrupt_id) == ("InvalidDecision", "int_1")
    assert reviewed.refusal.pointer == pointer
    assert words in reviewed.refusal.message
    assert reviewed.who is not None, "who tried is known, for the log"


@pytest.mark.asyncio
async def test_a_tool_of_a_schema_has_its_values_looked_at_too(bench: Bench) -> None:
    gate = GATE.but(tool="elsewhere")
    assert (await bench.review(deciding(Edit({"to": "x", "count": 1}), gate))).refusal is None
    reviewed = await bench.review(deciding(Edit({"to": "x", "count": "one"}), gate))
    message = "The arguments do not fit 'elsewhere': 'one' is not of type 'integer'"
    assert reviewed.refusal == invalid(gate, message, "/arguments/count")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("content", "pointer", "words"),
    [
        ({"days/nights": [1, 2]}, None, ""),
        ({"days/nights": [1, "two"]}, "/content/days~1nights/1", "'two' is not of type 'integer'"),
        ({}, "/content", "'days/nights' is a required property"),
        ("two", "/content", "'two' is not of type 'object'"),
    ],
)
async def test_an_answer_has_to_fit_the_schema_of_the_question(
    bench: Bench, content: Any, pointer: str | None, words: str
) -> None:
    refusal = (await bench.review(deciding(Respond(content), FORM))).refusal
    assert refusal == (None if pointer is None else invalid(FORM, f"The answer does not fit: {words}", pointer))


@pytest.mark.asyncio
@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"$ref": "#"}, {"$ref": "#/nowhere"}, {"pattern": "("}])
async def test_a_schema_that_is_none_refuses_and_breaks_nothing(bench: Bench, schema: dict[str, Any]) -> None:
    refusal = (await bench.review(deciding(Respond("x"), FORM.but(response_schema=schema)))).refusal
    assert refusal is not None
    assert refusal.type == "InvalidDecision"
    assert "the schema cannot be used" in refusal.message


@pytest.mark.asyncio
async def test_a_question_without_a_schema_takes_any_answer(bench: Bench) -> None:
    plain = FORM.but(response_schema=None)
    assert (await bench.review(deciding(Respond({"any": "thing"}), plain))).refusal is None


@pytest.mark.asyncio
async def test_decisions_by_place_are_looked_at_in_the_order_of_the_interrupts(bench: Bench) -> None:
    closed = GATE.but(id="int_0", status=InterruptStatus.APPROVED)
    good, bad = Edit({"order": "7", "amounts": [1]}), Respond("two")
    request = ReviewRequest(
        agent=DESK,
        interrupts=(closed, GATE, FORM),
        decisions=(Answering(decision=good), Answering(decision=bad)),
    )
    refusal = (await bench.review(request)).refusal
    assert refusal is not None
    assert (refusal.interrupt_id, refusal.pointer) == ("int_2", "/content")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "request_",
    [
        deciding(Edit({"wrong": 1}), GATE.but(allowed_decisions=("approve",))),
        deciding(Edit({"wrong": 1}), GATE.but(status=InterruptStatus.EXPIRED)),
        deciding(Edit({"wrong": 1})).but(interrupts=()),
        deciding(Edit({"wrong": 1})).but(decisions=(Answering(decision=Edit({"wrong": 1})),) * 2),
    ],
    ids=["not allowed", "closed", "unknown", "too many"],
)
async def test_what_the_kernel_refuses_by_itself_is_left_to_it(bench: Bench, request_: ReviewRequest) -> None:
    assert await bench.review(request_) == Reviewed(who=Who())


# ---- code that this worker lacks ----

UNKNOWN: dict[str, tuple[ReviewRequest, str]] = {
    "tool": (deciding(Edit({"x": 1}), GATE.but(tool="newer")), "does not know the tool 'newer'"),
    "agent": (deciding(Edit({"x": 1}), agent=DESK.but(name="newer")), "No agent is registered as 'newer'"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize(("request_", "words"), UNKNOWN.values(), ids=UNKNOWN)
async def test_what_another_worker_may_know_is_tried_again_at_first(
    bench: Bench, request_: ReviewRequest, words: str
) -> None:
    with pytest.raises(ApplicationError, match=words) as failure:
        await bench.review(request_, scheduled=datetime.now(UTC))  # whenever this file was imported
    assert (failure.value.type, failure.value.non_retryable) == ("NotHere", False)


@pytest.mark.asyncio
@pytest.mark.parametrize(("request_", "words"), UNKNOWN.values(), ids=UNKNOWN)
async def test_what_nobody_knows_is_a_refusal_that_says_so(bench: Bench, request_: ReviewRequest, words: str) -> None:
    refusal = (await bench.review(request_, scheduled=LONG_AGO)).refusal
    assert refusal is not None
    assert refusal.type == "InvalidDecision"
    assert "The new arguments cannot be checked now" in refusal.message
    assert words in refusal.message


@pytest.mark.asyncio
@pytest.mark.parametrize(("mood", "words"), [("bad", "not today"), ("worse", "no factory today")])
async def test_code_of_the_agent_that_raises_is_a_refusal(bench: Bench, mood: str, words: str) -> None:
    edit = deciding(Edit({"order": "7", "amounts": [1]}), agent=DESK.but(options={"mood": mood}))
    refusal = (await bench.review(edit)).refusal
    assert refusal is not None
    assert words in refusal.message


@pytest.mark.asyncio
async def test_other_decisions_need_no_code_of_the_agent(bench: Bench) -> None:
    """An approval can be taken back although the agent that asked for it does not exist any more."""
    request = deciding(Reject("gone"), agent=DESK.but(name="newer"))
    assert await bench.review(request) == Reviewed(who=Who())
