"""People in the loop: which policy a tool's calls meet, what the plan records, and when a batch begins."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagents import (
    Agent,
    Approve,
    Approvers,
    HookContext,
    HumanInTheLoop,
    InvalidAgent,
    Message,
    Middleware,
    Policy,
    Reject,
    State,
    Tool,
    allow,
    ask,
    deny,
    groups,
    tool,
)
from sagents.digests import call_digest
from sagents.middleware import default_stack
from sagents.plan import AgentRef, Approval, Plan, Reference, RunSpec, StepRequest
from sagents.policy import Ask
from sagents.principal import Who
from sagents.rules import Rule
from sagents.step import take_step
from sagents.surroundings import Remembered
from sagents.testing import ScriptedModel, StillTime, calls, calls_raw, says, talk
from sagents.testing.replies import Reply

pytestmark = pytest.mark.asyncio

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)
FINANCE = groups("finance")


@tool
def refund(order: str, amount: float = 1.0) -> str:
    """Refund."""
    return f"refunded {amount:g} for {order}"


@tool(approval=ask(approvers=FINANCE))
def delete_file(path: str) -> str:
    """Delete."""
    return f"deleted {path}"


@tool
def look_up(order: str) -> str:
    """Look up."""
    return f"order {order}"


@tool(inline=True)
def note(text: str) -> str:
    """Note."""
    return f"noted {text}"


TOOLS: list[Tool[..., Any]] = [refund, delete_file, look_up, note]


def desk(*script: Reply, **options: Any) -> Agent:
    return Agent(model=ScriptedModel(*script), **{"tools": TOOLS, **options})


async def plan(
    script: Reply,
    *,
    remembered: Remembered | None = None,
    requesters: tuple[str, ...] = (),
    scope: Mapping[str, Any] | None = None,
    **options: Any,
) -> Plan:
    """What one model step plans."""
    stage = StillTime(now=MONDAY).surroundings()
    around = replace(stage, remembered=remembered) if remembered else stage
    ref = AgentRef(name="desk", agent_id="desk-1", scope=scope or {})
    request = StepRequest(agent=ref, reference=Reference(), run=RunSpec(id="run-1", requesters=requesters))
    return await take_step(desk(script, **options), State(messages=(Message.user("Go"),)), request, around)


def gates(plan: Plan) -> list[str | None]:
    """By call: the policy that asks, or None where nobody is asked."""
    return [call.approval.policy if call.approval else None for call in plan.calls]


def approval_of(plan: Plan) -> Approval:
    (approval,) = [call.approval for call in plan.calls if call.approval]
    return approval


# ── which policy ─────────────────────────────────────────────────────────────────────────────────────────────────

OWN = ask(approvers=groups("own"))
CASES: list[tuple[dict[str, Policy], Tool[..., Any], str | None]] = [
    ({}, refund, None),
    ({}, delete_file, "tool delete_file"),
    ({"delete_file": OWN}, delete_file, "delete_file"),
    ({"delete_*": OWN, "*": OWN}, delete_file, "tool delete_file"),
    ({"*": OWN, "re*": OWN, "ref*": OWN}, refund, "ref*"),
    ({"ref*": allow(), "*": OWN}, refund, None),
    ({"*": OWN, "[a-z]efun[a-z]": OWN, "r?f*": OWN}, refund, "[a-z]efun[a-z]"),
    ({"REFUND*": OWN}, refund, None),
    ({"*": OWN}, look_up, "*"),
    ({"delete_file": allow()}, delete_file, None),
]


@pytest.mark.parametrize(("policies", "tool", "found"), CASES)
async def test_a_name_comes_first_then_the_tools_word_then_the_closest_pattern(
    policies: dict[str, Policy], tool: Tool[..., Any], found: str | None
) -> None:
    agent = desk(middleware=[HumanInTheLoop(policies=policies)])
    verdict = await agent.policy_for(tool).evaluate(tool, {"path": "a", "order": "7"}, HookContext())
    assert (verdict.approval.policy if isinstance(verdict, Ask) else None) == found


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize(
    ("entry", "decisions"),
    [
        (True, ("approve", "edit", "reject")),
        (["approve"], ("approve",)),
        ({"allowed_decisions": ["reject", "respond"]}, ("reject", "respond")),
        ({}, ("approve", "edit", "reject")),
        (False, None),
        ([], None),
    ],
)
async def test_interrupt_on_is_read_as_the_reference_reads_it(entry: Any, decisions: Any, short: bool) -> None:
    """B-80: on the agent and on the middleware alike; tools that it leaves out keep their own word."""
    said: dict[str, Any] = {"refund": entry}
    options = {"interrupt_on": said} if short else {"middleware": [HumanInTheLoop(said)]}
    made = await plan(calls(refund, order="7") & calls(look_up, order="7") & calls(delete_file, path="a"), **options)
    first, second, third = made.calls
    assert (first.approval and first.approval.allowed_decisions) == decisions
    assert (second.approval, third.approval is None) == (None, False)
    if decisions:
        assert gates(made)[0] == "interrupt_on refund"


async def test_interrupt_on_stands_before_the_users_own_middleware() -> None:
    """B-2, B-3: what says nothing adds nothing."""

    class Lenient(Middleware):
        def policy(self, tool: Tool[..., Any], /) -> Policy | None:
            return allow()

    agent = desk(interrupt_on={"refund": True}, middleware=[Lenient])
    assert [middleware.id for middleware in agent.stack[-2:]] == ["human_in_the_loop", "Lenient"]
    assert desk(interrupt_on={}).stack == default_stack()
    assert gates(await plan(calls(refund, order="7"), interrupt_on={"refund": True}, middleware=[Lenient])) == [
        "interrupt_on refund"
    ]


async def test_any_middleware_may_say_what_stands_before_a_tool() -> None:
    class Careful(Middleware):
        def policy(self, tool: Tool[..., Any], /) -> Policy | None:
            return ask(approvers=FINANCE) if "refund" in tool.name else None

    made = await plan(calls(refund, order="7") & calls(delete_file, path="a"), middleware=[Careful])
    assert gates(made) == ["Careful", "tool delete_file"]


@pytest.mark.parametrize("answer", [True, ConnectionError("rules are away")])
async def test_a_middleware_that_cannot_name_a_policy_leaves_the_call_to_operators(answer: Any) -> None:
    class Broken(Middleware):
        def policy(self, tool: Tool[..., Any], /) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

    asked = approval_of(await plan(calls(refund, order="7"), middleware=[Broken]))
    assert (asked.approvers, asked.operators_may_decide) == (Approvers(), True)
    assert "its policy failed" in asked.summary


WRONG: list[tuple[Any, str]] = [
    (lambda: HumanInTheLoop({"refund": 3}), "not 3"),  # type: ignore[dict-item]
    (lambda: HumanInTheLoop(["refund"]), "interrupt_on is a dict"),  # type: ignore[arg-type]
    (lambda: HumanInTheLoop({"re*": True}), 'patterns, as "delete_*", belong into policies'),
    (lambda: HumanInTheLoop(policies={"refund": True}), "policies['refund'] is a policy"),  # type: ignore[dict-item]
    (lambda: HumanInTheLoop(policies={"the refund": ask()}), "'the refund' is no tool's name"),
    (lambda: HumanInTheLoop({"refund": True}, {"refund": ask()}), "both speak of refund"),
    (lambda: HumanInTheLoop(start="any"), 'start is "all" or "each"'),  # type: ignore[arg-type]
    (lambda: desk(middleware=[HumanInTheLoop({"refnud": True})]), "HumanInTheLoop names refnud; the agent's tools are"),
    (lambda: desk(middleware=[HumanInTheLoop(policies={"refnud": ask()})]), "names refnud"),
    (lambda: desk(interrupt_on={"refund": True}, middleware=[HumanInTheLoop()]), "say the same"),
]


@pytest.mark.parametrize(("make", "told"), WRONG)
async def test_what_cannot_be_meant_is_refused_when_it_is_made(make: Any, told: str) -> None:
    with pytest.raises(InvalidAgent) as refused:
        make()
    assert told in str(refused.value)


# ── what the plan records ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
async def test_only_gated_calls_are_listed_wherever_they_stand(order: tuple[int, ...]) -> None:
    """B-81, E-79."""
    parts = [calls(delete_file, path="a"), calls(look_up, order="7"), calls(look_up, order="8")]
    script = parts[order[0]] & parts[order[1]] & parts[order[2]]
    model = ScriptedModel(script)
    outcome = await Agent(model=model, tools=TOOLS).execute("Clean up")
    assert [interrupt.tool for interrupt in outcome.interrupts] == ["delete_file"]
    assert [result for message in outcome.state.messages for result in message.tool_results] == []


async def test_a_mixed_batch_runs_what_was_approved_and_what_nobody_was_asked_about() -> None:
    """B-84, E-81: a rejection is a result like any other, and the model goes on."""
    script = calls(look_up, order="7") & calls(delete_file, path="a") & calls(delete_file, path="b")
    model = ScriptedModel(script, says("One is gone."))
    outcome = await talk(Agent(model=model, tools=TOOLS), model, "Clean up", answers=(Reject("needed"), Approve()))
    results = [result for message in outcome.state.messages for result in message.tool_results]
    assert [(result.text, result.is_error) for result in results] == [
        ("order 7", False),
        ("Tool 'delete_file' was rejected by a human reviewer. Reason: needed", False),
        ("deleted b", False),
    ]


async def test_what_is_asked_is_bound_to_its_call_and_to_who_wanted_it() -> None:
    script = calls(delete_file, path="a")
    asked = approval_of(await plan(script, requesters=("ada", "bob"), scope={"owner": "carl"}))
    assert asked.digest == call_digest("delete_file", {"path": "a"})
    assert (asked.requesters, asked.approvers, asked.summary) == (("ada", "bob"), FINANCE, "Delete file")
    assert approval_of(await plan(script, scope={"owner": "carl"})).requesters == ("carl",)
    assert approval_of(await plan(script)).requesters == ()


async def test_a_predicate_sees_values_and_the_run() -> None:
    seen: list[object] = []

    def when(arguments: Any, context: HookContext) -> bool:
        seen.append((arguments, context.agent_id, context.requesters))
        return True

    policies = {"refund": ask(when=when, summary="{amount:.2f} for {order}")}
    script = calls_raw("refund", {"order": "7", "amount": "12"})
    made = await plan(script, requesters=("ada",), middleware=[HumanInTheLoop(policies=policies)])
    assert seen == [({"order": "7", "amount": 12.0}, "desk-1", ("ada",))]
    assert approval_of(made).summary == "12.00 for 7"
    assert approval_of(made).digest == call_digest("refund", {"order": "7", "amount": "12"})


async def test_malformed_arguments_are_the_models_to_mend_and_nobody_is_asked() -> None:
    made = await plan(calls_raw("delete_file", {"pth": "a"}))
    assert made.calls[0].approval is None
    assert made.calls[0].result is not None
    assert made.calls[0].result.result.is_error


# ── when a batch begins ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("middleware", "ran"),
    [
        ([], [False, False, False]),
        ([HumanInTheLoop(start="all")], [False, False, False]),
        ([HumanInTheLoop(start="each")], [False, True, False]),
        ([HumanInTheLoop({"refund": True}, start="each")], [False, True, False]),
    ],
)
async def test_nothing_inline_runs_while_a_gated_call_waits_unless_each_starts_by_itself(
    middleware: Sequence[Middleware], ran: list[bool]
) -> None:
    """B-81."""
    script = calls(delete_file, path="a") & calls(note, text="x") & calls(refund, order="7")
    made = await plan(script, middleware=middleware)
    assert [call.result is not None for call in made.calls] == ran


async def test_a_batch_starts_each_only_where_all_that_is_asked_says_so() -> None:
    class Careful(Middleware):
        def policy(self, tool: Tool[..., Any], /) -> Policy | None:
            return ask() if tool is refund else None

    script = calls(delete_file, path="a") & calls(note, text="x") & calls(refund, order="7")
    made = await plan(script, middleware=[Careful(), HumanInTheLoop(start="each")])
    assert [call.approval.start for call in made.calls if call.approval] == ["each", "all"]
    assert made.calls[1].result is None


async def test_a_gated_inline_call_waits_like_any_other() -> None:
    script = calls(note, text="secret") & calls(note, text="more")
    made = await plan(script, middleware=[HumanInTheLoop({"note": True}, start="each")])
    assert [call.result for call in made.calls] == [None, None]


async def test_each_call_runs_as_soon_as_it_is_decided() -> None:
    model = ScriptedModel(calls(look_up, order="7") & calls(delete_file, path="a"), says("Done."))
    agent = Agent(model=model, tools=TOOLS, middleware=[HumanInTheLoop(start="each")])
    heard: list[str] = []
    outcome = await agent.execute(
        "Go", callbacks={"on_tool_execution_completed": lambda call, _: heard.append(call.name)}
    )
    assert ([one.tool for one in outcome.interrupts], heard) == (["delete_file"], ["look_up"])
    outcome = await agent.resume(outcome.state, Approve())
    results = [result.text for message in outcome.state.messages for result in message.tool_results]
    assert (outcome.text, results) == ("Done.", ["order 7", "deleted a"])


# ── what is remembered ───────────────────────────────────────────────────────────────────────────────────────────

LENIENT = ask(approvers=FINANCE, remember=["run", "conversation"])


ANN, BOB = (Who(subject=name, groups=("finance",), channel="api") for name in ("ann", "bob"))


def keeps(**rule: Any) -> Remembered:
    """The rule, for whichever call it is asked about."""

    async def remembered(name: str, digest: str) -> Rule | None:
        given = {
            "id": "r-1",
            "key": "k",
            "scope": "run",
            "tool": "refund",
            "at": MONDAY,
            "digest": digest,
            "who": ANN,
            **rule,
        }
        return Rule(**given)

    return remembered


async def planned_with(remembered: Remembered, policy: Policy = LENIENT) -> Any:
    made = await plan(
        calls(refund, order="7"), remembered=remembered, middleware=[HumanInTheLoop(policies={"refund": policy})]
    )
    return made.calls[0]


async def test_a_remembered_approval_lets_the_call_run_without_asking() -> None:
    call = await planned_with(keeps())
    assert (call.approval, call.result, call.rule) == (None, None, "r-1")


async def test_a_remembered_rejection_is_told_to_the_model() -> None:
    call = await planned_with(keeps(verdict="reject"))
    assert (call.approval, call.rule) == (None, "r-1")
    assert call.result.result.text.startswith("A person has rejected this call before")


async def away(name: str, digest: str) -> Rule | None:
    raise ConnectionError("the store is away")


@pytest.mark.parametrize(
    "remembered",
    [
        keeps(tool="delete_file"),
        keeps(digest="sha256:another call"),
        keeps(expires_at=MONDAY - timedelta(seconds=1)),
        keeps(revoked_at=MONDAY),
        keeps(scope="user"),
        away,
    ],
)
async def test_a_rule_that_does_not_hold_for_this_call_leaves_it_to_people(remembered: Remembered) -> None:
    """Whatever the store answers: the last one here is of a scope that the policy does not allow (any more)."""
    call = await planned_with(remembered)
    assert (call.approval.approvers, call.rule) == (FINANCE, None)


PAIRS = ask(approvers=FINANCE, remember=["run"], required_approvals=2)
OTHERS = ask(remember=["run"], self_approval=False)
CHAIN = ask(approvers=groups("board"), escalate=[(timedelta(days=1), FINANCE)], remember=["run"])


@pytest.mark.parametrize(
    ("policy", "rule", "counts"),
    [
        (OTHERS, {}, False),
        (OTHERS, {"who": BOB}, True),
        (OTHERS, {"who": Who()}, False),
        (ask(approvers=groups("board"), remember=["run"]), {}, False),
        (CHAIN, {}, True),
        (LENIENT, {"who": Who()}, False),
        (PAIRS, {}, False),
        (PAIRS, {"agreed": (ANN, BOB)}, True),
        (PAIRS, {"agreed": (ANN, ANN)}, False),
        (PAIRS, {"verdict": "reject"}, True),
        (ask(remember=["run"], required_approvals=2, self_approval=False), {"agreed": (BOB, ANN)}, False),
    ],
)
async def test_a_rule_counts_only_if_those_who_left_it_could_decide_this_call(
    policy: Policy, rule: dict[str, Any], counts: bool
) -> None:
    """Else who asks approves their own call by what they decided for somebody else, or a stricter policy is passed."""
    (call,) = (
        await plan(
            calls(refund, order="7"),
            remembered=keeps(**rule),
            requesters=("ann",),
            middleware=[HumanInTheLoop(policies={"refund": policy})],
        )
    ).calls
    assert (call.rule is not None, call.approval is None) == (counts, counts)


async def test_nothing_is_remembered_where_the_policy_does_not_let_it() -> None:
    looked: list[str] = []

    async def remembered(name: str, digest: str) -> Rule | None:
        looked.append(name)
        return await keeps()(name, digest)

    call = await planned_with(remembered, ask(approvers=FINANCE))
    assert (call.approval is not None, looked) == (True, [])
    denied = await planned_with(keeps(), deny("Never."))
    assert (denied.result.result.text, denied.rule) == ("Never.", None)
