"""What a trace of an agent looks like, on a real server (B-135, B-60)."""

import asyncio
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.context import attach, detach
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from sagents import Agent, Sagents, SubAgent, SubAgentConfig, ToolContext, ask, tool
from sagents.errors import ModelError, ModelErrorKind
from sagents.limits import Limits
from sagents.messages import Message, TokenUsage
from sagents.middleware import ConversationTitle
from sagents.ports import DeltaSink, ModelRequest
from tests.support.deciding import server_of
from tests.support.driving import Driven, started
from tests.support.models import Thinks, asks_for, last_user_text, results_since_user, uses
from tests.support.tracing import Traced, Tree, context, traced_env

pytestmark = pytest.mark.asyncio

STEP: Tree = {"chat claude": {}}
OFFICE: Tree = {
    "invoke_agent helper": {
        "step 1": STEP,
        "execute_tool look": {},
        "step 2": STEP,
        "execute_tool task": {
            "invoke_agent research": {
                "step 1": {"chat thinks": {}},
                "execute_tool look": {},
                "step 2": {"chat thinks": {}},
            }
        },
        "step 3": STEP,
    }
}


@tool
def look(number: int = 0) -> str:
    """Look at something."""
    return f"seen {number}"


@tool(approval=ask())
def publish() -> str:
    """Publish it."""
    return "published"


@tool
def breaks() -> str:
    """Break."""
    raise ValueError("the key sk-abcdefgh12345 is out of date")


def looks_and_sends() -> Thinks:
    """Uses a tool, then a sub-agent, then reports."""

    def think(request: ModelRequest, _: DeltaSink) -> Message:
        results = results_since_user(request)
        replies = (
            asks_for(("look", {"number": 7})),
            asks_for(("task", {"instructions": "Look", "task_name": "research"})),
            Message.assistant(f"told: {results[-1:]}"),
        )
        reply = replies[len(results)]
        return reply.but(usage=TokenUsage(input=11, output=5))

    return Thinks(think, "anthropic:claude")


def office() -> Sagents:
    app = Sagents()
    research = SubAgentConfig(
        name="research", description="Looks things up", instructions="Look.", model=uses("look"), tools=[look]
    )
    app.agent("helper", Agent(model=looks_and_sends(), tools=[look], middleware=[SubAgent([research])]))
    return app


def desk(model: Any, *tools: Any) -> Sagents:
    app = Sagents()
    app.agent("helper", Agent(model=model, tools=[*tools], default_middleware=False))
    return app


async def asked(traced: Traced, agent: Driven, text: str = "Go", *, name: str = "POST /messages") -> int:
    """Send a message inside of a request that is traced; the trace's id."""
    with traced.provider.get_tracer("app").start_as_current_span(name) as request:
        await agent.send(text)
    return request.get_span_context().trace_id


async def left(agent: Driven) -> None:
    """The agent stops, so that nothing of it is under way."""
    await agent.settled()
    await agent.update("stop")
    await agent.handle.result()


async def test_one_trace_leads_from_a_request_through_all_activities_into_the_sub_agent(agent_env: Any) -> None:
    """B-135."""
    traced = Traced.new()
    async with traced_env(agent_env, office(), traced) as env:
        agent = await started(env, "helper")
        trace_id = await asked(traced, agent)
        await left(agent)
    assert traced.tree(trace_id) == {"POST /messages": {"StartWorkflowUpdate:add_message": OFFICE}}


async def test_replay_makes_nothing_twice(agent_env: Any) -> None:
    """B-135: with no cache each workflow task replays all that was."""
    traced = Traced.new()
    async with traced_env(agent_env, office(), traced, worker=False) as env:
        env.settings.max_cached_workflows = 0
        async with env.worker():
            agent = await started(env, "helper")
            trace_id = await asked(traced, agent)
            await left(agent)
    assert traced.tree(trace_id) == {"POST /messages": {"StartWorkflowUpdate:add_message": OFFICE}}
    spans = [context(span).span_id for span in traced.spans]
    assert len(spans) == len(set(spans)) == len([span for span in traced.spans if span.end_time])


async def test_spans_speak_the_words_of_the_conventions(agent_env: Any) -> None:
    """B-135: agent, parent lineage and conversation on each of them."""
    traced = Traced.new()
    async with traced_env(agent_env, office(), traced) as env:
        agent = await started(env, "helper", conversation_id="c-1")
        await asked(traced, agent)
        await left(agent)
    chat, run = traced.named("chat claude")[0], traced.one("invoke_agent helper")
    assert chat.kind is SpanKind.CLIENT
    assert (
        dict(chat.attributes or {}).items()
        >= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "claude",
            "gen_ai.usage.input_tokens": 11,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.agent.id": agent.agent_id,
            "gen_ai.agent.name": "helper",
            "gen_ai.conversation.id": "c-1",
        }.items()
    )
    assert (
        dict(run.attributes or {}).items()
        >= {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.id": agent.agent_id,
            "sagents.run.outcome": "finished",
        }.items()
    )
    (mine, below) = traced.named("execute_tool look")
    assert (
        dict(mine.attributes or {}).items()
        >= {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "look",
            "gen_ai.tool.type": "function",
        }.items()
    )
    assert str((mine.attributes or {})["gen_ai.tool.call.id"]).startswith("call_")
    assert (
        dict(below.attributes or {}).items()
        >= {
            "gen_ai.conversation.id": "c-1",
            "sagents.parent_agent.id": agent.agent_id,
            "sagents.root_agent.id": agent.agent_id,
        }.items()
    )
    for span in traced.spans:
        assert span.status.status_code is StatusCode.UNSET
        assert not any("message" in name or "arguments" in name or "result" in name for name in span.attributes or {})


async def test_contents_are_there_where_they_are_asked_for(agent_env: Any) -> None:
    traced = Traced.new()
    async with traced_env(agent_env, office(), traced, contents=True) as env:
        agent = await started(env, "helper")
        await asked(traced, agent)
        await left(agent)
    first = (traced.named("step 1")[0].attributes or {})["gen_ai.output.messages"]
    assert '"name": "look", "arguments": {"number": 7}' in str(first)
    assert (traced.named("execute_tool look")[0].attributes or {})["gen_ai.tool.call.result"] == "seen 7"


async def test_what_goes_wrong_is_marked_and_shows_no_secret(agent_env: Any) -> None:
    def think(request: ModelRequest, _: DeltaSink) -> Message:
        if results_since_user(request):
            raise ModelError("Bearer abcdefgh12345 is refused", ModelErrorKind.FAIL)
        return asks_for(("breaks", {}))

    traced = Traced.new()
    async with traced_env(agent_env, desk(Thinks(think), breaks), traced) as env:
        agent = await started(env, "helper")
        await asked(traced, agent)
        await left(agent)
    tool_span, (_, chat) = traced.one("execute_tool breaks"), traced.named("chat thinks")
    run = traced.one("invoke_agent helper")
    assert [span.status.status_code for span in (tool_span, chat, run)] == [StatusCode.ERROR] * 3
    assert [(span.attributes or {})["error.type"] for span in (tool_span, chat, run)] == [
        "tool_error",
        "model_fail",
        "model_failed",
    ]
    assert chat.status.description == "Bearer [hidden] is refused"
    assert tool_span.status.description is None  # what a model reads of a tool is content
    assert "12345" not in str([span.to_json() for span in traced.spans])


async def test_a_run_stays_in_its_trace_over_sleep_another_worker_and_a_decision_from_elsewhere(agent_env: Any) -> None:
    """B-135, T-21: the decision is another request, and wakes an agent of whom no process remembers anything."""
    traced = Traced.new()
    app = desk(uses("publish"), publish)
    async with traced_env(agent_env, app, traced) as env:
        agent = await started(env, "helper")
        trace_id = await asked(traced, agent)
        await agent.reaches("interrupted")
        await agent.update("stop")
        await agent.handle.result()
    async with traced_env(agent_env, app, traced, store=env.store, worker=False) as later:
        later.prefix = env.prefix
        async with later.worker():
            agent = await started(later, "helper")
            with traced.provider.get_tracer("app").start_as_current_span("POST /decisions") as request:
                await agent.update("resume", "approve")
            await left(agent)
    run: Tree = {"step 1": {"chat thinks": {}}, "execute_tool publish": {}, "step 2": {"chat thinks": {}}}
    assert traced.tree(trace_id) == {
        "POST /messages": {"StartWorkflowUpdate:add_message": {"invoke_agent helper": run}}
    }
    assert traced.tree(request.get_span_context().trace_id) == {"POST /decisions": {"StartWorkflowUpdate:resume": {}}}


async def test_each_run_belongs_to_the_request_that_it_answers_also_after_continue_as_new(agent_env: Any) -> None:
    """B-135."""
    traced = Traced.new()
    async with traced_env(agent_env, desk(uses("look", times=3), look), traced, limits=Limits(events=40)) as env:
        agent = await started(env, "helper")
        traces = [await asked(traced, agent)]
        await agent.settled()
        traces.append(await asked(traced, agent))
        await agent.settled()
        await left(agent)
        assert len(await agent.run_ids()) > 1
    for trace_id in traces:
        (top,) = traced.tree(trace_id)["POST /messages"]["StartWorkflowUpdate:add_message"].items()
        assert top[0] == "invoke_agent helper"
        assert [name for name in top[1] if name.startswith("step")] == ["step 1", "step 2", "step 3", "step 4"]


async def test_a_run_that_nobody_traced_has_a_trace_of_its_own(agent_env: Any) -> None:
    """As one that is begun on the command line of Temporal."""
    traced = Traced.new()
    async with traced_env(agent_env, office(), traced) as env:
        traced_client, config = env.client, env.client.config()
        config["interceptors"] = []
        env.client = type(traced_client)(**config)
        agent = await started(env, "helper")
        await agent.say("Go")
        await left(agent)
    assert traced.tree() == OFFICE
    assert len(traced.traces) == 1


async def test_what_nobody_samples_is_not_exported(agent_env: Any) -> None:
    traced = Traced.new(ALWAYS_OFF)
    async with traced_env(agent_env, office(), traced) as env:
        agent = await started(env, "helper")
        await asked(traced, agent)
        assert await agent.settled() == "idle"
    assert traced.spans == ()


async def test_tools_see_the_span_they_work_in_and_the_baggage_of_the_request(agent_env: Any) -> None:
    """B-60: what is ambient where a message is sent is ambient where it is worked on."""
    seen: list[Any] = []

    @tool
    def peek(_: ToolContext) -> str:
        """Peek."""
        seen.append((trace.get_current_span().get_span_context().span_id, baggage.get_baggage("tenant")))
        return "peeked"

    traced = Traced.new()
    async with traced_env(agent_env, desk(uses("peek"), peek), traced) as env:
        agent = await started(env, "helper")
        token = attach(baggage.set_baggage("tenant", "acme"))
        await asked(traced, agent)
        detach(token)
        await left(agent)
    assert seen == [(context(traced.one("execute_tool peek")).span_id, "acme")]


async def test_what_was_cancelled_says_so(agent_env: Any) -> None:
    """A model's reply and a tool that broke off; both spans end."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def think(request: ModelRequest, _: DeltaSink) -> Message:
        if last_user_text(request) == "Use it":
            return asks_for(("wait", {}))
        begun.set()
        await never.wait()
        return Message.assistant("too late")

    @tool
    async def wait(_: ToolContext) -> str:
        """Wait."""
        begun.set()
        await never.wait()
        return "too late"

    traced = Traced.new()
    async with traced_env(agent_env, desk(Thinks(think), wait), traced) as env:
        agent = await started(env, "helper")
        for text in ("Think", "Use it"):
            begun.clear()
            await asked(traced, agent, text)
            await asyncio.wait_for(begun.wait(), 30)
            await agent.update("cancel")
            await agent.settled()
        await left(agent)
    for name in ("chat thinks", "execute_tool wait"):
        span = traced.named(name)[0]
        assert (span.attributes or {})["error.type"] == "cancelled"
    runs = [(run.attributes or {})["sagents.run.outcome"] for run in traced.named("invoke_agent helper")]
    assert runs == ["cancelled", "cancelled"]


async def test_inline_tools_and_models_asked_aside_are_below_their_step(agent_env: Any) -> None:
    """The title is asked for while the model thinks: side by side, not one below the other."""

    @tool(inline=True)
    def note() -> str:
        """Note it."""
        return "noted"

    title = Thinks(lambda *_: Message.assistant("A title"), "titles")
    app = Sagents()
    middleware = [ConversationTitle(title)]
    app.agent("helper", Agent(model=uses("note"), tools=[note], middleware=middleware, default_middleware=False))
    traced = Traced.new()
    async with traced_env(agent_env, app, traced) as env:
        agent = await started(env, "helper")
        await asked(traced, agent)
        await left(agent)
    step = context(traced.named("step 1")[0]).span_id
    below = [span.name for span in traced.spans if span.parent and span.parent.span_id == step]
    assert sorted(below) == ["chat thinks", "chat titles", "execute_tool note"]


async def test_a_message_that_wakes_an_agent_is_where_its_run_belongs(agent_env: Any) -> None:
    """Start and message are one request, of a client that has never heard of the agent."""
    traced = Traced.new()
    async with traced_env(agent_env, desk(uses("look"), look), traced) as env:
        agent = await started(env, "helper")
        await agent.say("Go")
        await left(agent)
        with traced.provider.get_tracer("app").start_as_current_span("POST /messages") as request:
            await server_of(env).add_message(agent.agent_id, "Go on")
        await left(agent)
    tree = traced.tree(request.get_span_context().trace_id)
    assert tree["POST /messages"]["StartUpdateWithStartWorkflow:AgentWorkflow"].keys() == {"invoke_agent helper"}
