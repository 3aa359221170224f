"""From a model's calls to planned ones: which run, which wait for a person, which are answered with an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from sagents.calling import usable
from sagents.delegating import errand_for
from sagents.digests import call_digest
from sagents.hooks import HookContext
from sagents.messages import ToolCall
from sagents.plan import Approval, CallResult, PlannedCall
from sagents.policy import Allow, Ask, Deny, Verdict
from sagents.returned import failed
from sagents.rules import Rule
from sagents.surroundings import Surroundings
from sagents.tools import Tool
from sagents.verdicts import doubtful

if TYPE_CHECKING:
    from sagents.agent import Agent

REJECTED_BEFORE = "A person has rejected this call before and wants that remembered. Do not repeat it."


async def planned(
    agent: Agent, call: ToolCall, tool: Tool[..., Any] | None, context: HookContext, around: Surroundings
) -> PlannedCall:
    """The call as the kernel gets it. What is decided here is never evaluated again.

    Arguments that do not fit are an error for the model at once: there is nothing yet that a person could judge.
    """
    found = usable(tool, call)
    if isinstance(found, CallResult):
        return bare(call).but(result=found)
    plan = PlannedCall(
        call_id=call.call_id,
        name=call.name,
        timeout=found.timeout,
        parallel=found.parallel,
        on_worker_loss=found.on_worker_loss,
    )
    if found.errand:
        sent = await errand_for(agent, call, found, context)
        if isinstance(sent, CallResult):
            return plan.but(result=sent)
        plan = plan.but(child=sent.task_name)
    match await _verdict(agent, call, found, context):
        case Allow():
            return plan
        case Ask(approval=approval):
            return await _asked(plan, call, _resolved(approval, call, context), around)
        case Deny(reason=reason):
            return plan.but(result=failed(call, reason), child=None)
        case unmeant:
            assert_never(unmeant)


def bare(call: ToolCall) -> PlannedCall:
    """A call of which nothing more is known."""
    return PlannedCall(call_id=call.call_id, name=call.name)


async def _verdict(agent: Agent, call: ToolCall, tool: Tool[..., Any], context: HookContext) -> Verdict:
    """A middleware that cannot say which policy it is leaves it to a person."""
    try:
        policy = agent.policy_for(tool)
    except Exception as error:
        return doubtful(tool, error)
    return await policy.evaluate(tool, tool.validated(call.arguments), context)


def _resolved(approval: Approval, call: ToolCall, context: HookContext) -> Approval:
    """What is asked, bound to this very call and to who wanted it."""
    return approval.but(digest=call_digest(call.name, call.arguments), requesters=_requesters(context))


def _requesters(context: HookContext) -> tuple[str, ...]:
    owner = context.scope.get("owner")
    return context.requesters or ((owner,) if isinstance(owner, str) else ())


async def _asked(plan: PlannedCall, call: ToolCall, approval: Approval, around: Surroundings) -> PlannedCall:
    """The call as it waits for people, unless what they decided before holds for it."""
    match await _remembered(plan, approval, around):
        case Rule(verdict="approve") as rule:
            return plan.but(rule=rule.id)
        case Rule() as rule:
            return plan.but(rule=rule.id, result=failed(call, REJECTED_BEFORE), child=None)
        case None:
            return plan.but(approval=approval)


async def _remembered(plan: PlannedCall, approval: Approval, around: Surroundings) -> Rule | None:
    """The rule that holds for this call, as far as its policy lets decisions be remembered today."""
    if not approval.remember:
        return None
    try:
        rule = await around.remembered(plan.name, approval.digest)
    except Exception:  # rules that cannot be read help nobody: people are asked as if there were none
        return None
    holds = rule is not None and rule.holds(plan.name, approval.digest, around.now())
    return rule if rule and holds and rule.scope in approval.remember and _still_counts(rule, approval) else None


def _still_counts(rule: Rule, approval: Approval) -> bool:
    """Whether those who left the rule behind could decide this call, too: enough of them, and not who asks for it."""
    people = {who.name for who in rule.agreed or (rule.who,) if approval.takes(who)}
    return len(people) >= (approval.required_approvals if rule.verdict == "approve" else 1)
