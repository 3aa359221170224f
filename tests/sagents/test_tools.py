"""Tools: what a model is told of a function, what becomes of its arguments, and how the function runs."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from datetime import date, timedelta
from functools import partial
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, JsonValue

from sagents import (
    InvalidAgent,
    ModelRetry,
    Pause,
    RaiseInterrupt,
    State,
    StateDelta,
    Tool,
    ToolContext,
    ToolResult,
    ask,
    tool,
)
from sagents.plan import WorkerLoss
from sagents.tools import InvalidArguments


class Item(BaseModel):
    name: str
    count: int = 1


@tool
def word_count(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


@tool(timeout=timedelta(seconds=30), attempts=3, on_worker_loss="report", parallel=False)
async def order_goods(
    context: ToolContext,
    items: list[Item],
    by: date,
    how: Literal["fast", "cheap"] = "cheap",
    note: Annotated[str | None, Field(description="For the driver.", max_length=20)] = None,
) -> str:
    """Order goods.

    They are paid at once.

    Args:
        context: not for models.
        items: What to order,
            one entry each.
        by (date): When they have to be here.
        note: a docstring's word, which gives way to the field's own.

    Returns:
        The number of the order.
    """
    return f"{context.tool_call_id}: {len(items)} by {by:%d.%m.} {how}"


def refusal(of: Tool[..., Any], arguments: dict[str, Any] | str) -> str:
    with pytest.raises(InvalidArguments) as refused:
        of.validated(arguments)
    return str(refused.value)


# ── what a model is told ─────────────────────────────────────────────────────────────────────────────────────────


def test_tool_is_its_function_with_a_name_and_a_schema() -> None:
    """B-15."""
    assert word_count("one two") == 2
    assert (word_count.name, word_count.description) == ("word_count", "Count the words of a text.")
    assert word_count.spec().model_dump() == {
        "name": "word_count",
        "description": "Count the words of a text.",
        "parameters": {
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
            "additionalProperties": False,
        },
    }


def test_missing_display_text_is_the_humanised_name() -> None:
    """B-15."""
    assert word_count.display_text == "Word count"
    assert tool(lookup_url, display_text="Looking around").display_text == "Looking around"
    assert tool(lookup_url, name="get-HTML").display_text == "Get HTML"


def test_schema_tells_types_defaults_choices_and_nested_models() -> None:
    properties: Any = order_goods.parameters["properties"]
    assert list(properties) == ["items", "by", "how", "note"]
    assert order_goods.parameters["required"] == ["items", "by"]
    assert properties["items"]["items"] == {"$ref": "#/$defs/Item"}
    assert properties["by"]["format"] == "date"
    assert (properties["how"]["enum"], properties["how"]["default"]) == (["fast", "cheap"], "cheap")


def test_docstring_describes_the_tool_and_its_parameters() -> None:
    properties: Any = order_goods.parameters["properties"]
    assert order_goods.description == (
        "Order goods.\n\nThey are paid at once.\n\nReturns:\n    The number of the order."
    )
    assert properties["items"]["description"] == "What to order, one entry each."
    assert properties["by"]["description"] == "When they have to be here."
    assert properties["note"]["description"] == "For the driver."
    assert "description" not in properties["how"]


def test_default_that_is_no_json_stays_out_of_the_schema_and_reaches_the_function() -> None:
    nothing = object()

    @tool
    def look(where: Any = nothing) -> bool:
        return where is nothing

    assert look.parameters["properties"] == {"where": {}}
    assert look(**look.validated({})) is True


def test_parameters_may_be_called_what_pydantic_calls_its_own() -> None:
    @tool
    def odd(json: str, copy: int, _x: int, model_config: bool = True) -> list[object]:
        return [json, copy, _x, model_config]

    assert odd(**odd.validated({"json": "j", "copy": 1, "_x": 2})) == ["j", 1, 2, True]


def test_options_are_kept() -> None:
    """B-17: what may run beside other calls is a tool's own choice."""
    assert (order_goods.timeout, order_goods.attempts) == (timedelta(seconds=30), 3)
    assert (order_goods.on_worker_loss, order_goods.parallel) == (WorkerLoss.REPORT, False)
    assert (word_count.timeout, word_count.attempts, word_count.inline) == (timedelta(minutes=5), None, False)
    assert (word_count.on_worker_loss, word_count.parallel, word_count.approval) == (WorkerLoss.RETRY, True, None)


def test_methods_partials_and_callable_objects_become_tools() -> None:
    class Shop:
        def __init__(self, prices: dict[str, int]) -> None:
            self.prices = prices

        def price(self, name: str) -> int:
            """Look up a price."""
            return self.prices[name]

        async def __call__(self, name: str) -> int:
            return self.prices[name]

    shop = Shop({"tea": 3})
    assert tool(shop.price)("tea") == 3
    assert tool(shop.price).description == "Look up a price."
    assert tool(shop, name="shop").is_async
    assert tool(partial(add, 1), name="add_one").validated({"right": 2}) == {"right": 2}


def by_forward_reference(items: "list[Item]", more: list["Item"]) -> int:
    return len(items) + len(more)


def test_annotations_may_be_text() -> None:
    parameters = tool(by_forward_reference).validated({"items": [{"name": "tea"}], "more": []})
    assert parameters == {"items": [Item(name="tea")], "more": []}


# ── what is refused where it is written ──────────────────────────────────────────────────────────────────────────


def lookup_url(url: str) -> str:
    return url


def add(left: int, /, right: int) -> int:
    return left + right


def untyped(text) -> str:  # type: ignore[no-untyped-def]
    return str(text)


def many(*texts: str) -> None: ...


def anything(**texts: str) -> None: ...


def late_context(text: str, context: ToolContext) -> None: ...


def unknown_type(text: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


def no_schema(call: Callable[[], None]) -> None: ...


def no_model(thread: threading.Thread) -> None: ...


def counting(upto: int) -> Iterator[int]:
    yield from range(upto)


async def counting_slowly(upto: int) -> AsyncIterator[int]:
    yield upto


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (untyped, "parameter 'text' has no type"),
        (many, r"`\*texts: str`"),
        (anything, r"`\*\*texts: str`"),
        (add, "'left' by position only"),
        (late_context, "first parameter"),
        (unknown_type, "Nowhere"),
        (no_schema, "no JSON Schema"),
        (no_model, "no JSON Schema"),
        (counting, "generator"),
        (counting_slowly, "generator"),
        (lambda: None, "no name for a tool"),
        (partial(add, 1), "needs a `name`"),
        (3, "of a function"),
    ],
)
def test_function_that_no_model_could_call_is_refused_where_it_is_decorated(function: Any, told: str) -> None:
    """B-15."""
    with pytest.raises(InvalidAgent, match=told):
        tool(function)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": "word count"}, "no name for a tool"),
        ({"name": "x" * 65}, "no name for a tool"),
        ({"timeout": 30}, r"timedelta\(seconds=30\)"),
        ({"timeout": timedelta(0)}, "above zero"),
        ({"attempts": 0}, "at least 1"),
        ({"attempts": True}, "at least 1"),
        ({"on_worker_loss": "ignore"}, '"retry" or "report"'),
        ({"approval": ask}, r"as ask\(\)"),
        ({"retries": 3}, "no option retries; it has name, "),
    ],
)
def test_wrong_option_is_refused_where_it_is_written(options: Any, told: str) -> None:
    with pytest.raises(InvalidAgent, match=told):
        tool(**options)(lookup_url)


# ── arguments ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "arguments",
    [
        {"items": [{"name": "tea"}], "by": "2026-05-01"},
        '{"items": [{"name": "tea"}], "by": "2026-05-01"}',
        {"items": [Item(name="tea")], "by": date(2026, 5, 1)},
    ],
)
def test_arguments_become_python_values_from_an_object_or_its_text(arguments: Any) -> None:
    assert order_goods.validated(arguments) == {
        "items": [Item(name="tea")],
        "by": date(2026, 5, 1),
        "how": "cheap",
        "note": None,
    }


@pytest.mark.parametrize("nothing", ["", "  ", "{}", {}])
def test_call_without_any_arguments_is_an_empty_object(nothing: Any) -> None:
    @tool
    def now() -> str:
        return "noon"

    assert now.validated(nothing) == {}


def test_refusal_tells_the_model_which_parameter_is_wrong_and_how() -> None:
    wrong = {"items": [{"count": 2}], "how": "dear", "note": "x" * 500, "colour": "red"}
    assert refusal(order_goods, wrong).splitlines() == [
        "Invalid arguments for tool 'order_goods':",
        "- items[0].name: required, but missing",
        "- by: required, but missing",
        "- how: Input should be 'fast' or 'cheap', got \"dear\"",
        f'- note: String should have at most 20 characters, got "{"x" * 76}...',
        "- colour: there is no such parameter; the tool takes items, by, how, note",
        "Correct them and call the tool again.",
    ]


class Box(BaseModel):
    kind: Literal["box"]
    size: int


@pytest.mark.parametrize(
    ("arguments", "pointers"),
    [
        ({"items": [{"count": 2}], "how": "dear"}, ("/items/0/name", "/by", "/how")),
        ({"items": "tea", "by": "soon", "co/l~our": 1}, ("/items", "/by", "/co~1l~0our")),
        ("[1]", ("",)),
        ("{", ("",)),
    ],
)
def test_refusal_points_to_where_the_mistakes_are(arguments: Any, pointers: tuple[str, ...]) -> None:
    """B-83, RFC 6901: for pages that let people edit a call."""
    with pytest.raises(InvalidArguments) as refused:
        order_goods.validated(arguments)
    assert refused.value.pointers == pointers
    assert len(refused.value.mistakes) == len(pointers)


def test_a_pointer_names_keys_of_the_value_and_never_what_a_validator_tried() -> None:
    @tool
    def pack(what: Box | int, by_name: dict[str, Box | str]) -> None:
        """Pack."""

    with pytest.raises(InvalidArguments) as refused:
        pack.validated({"what": {"kind": "box", "size": "big"}, "by_name": {"a": 7}})
    assert set(refused.value.pointers) == {"/what/size", "/what", "/by_name/a"}


def test_refusal_of_a_described_tool_points_too() -> None:
    remote = Tool.from_schema(
        name="remote",
        description="",
        parameters={"type": "object", "required": ["to"], "properties": {"to": {}}, "additionalProperties": False},
        function=lambda context, arguments: None,
    )
    with pytest.raises(InvalidArguments) as refused:
        remote.validated({"two": 1})
    assert refused.value.pointers == ("/to", "/two")


def test_refusal_stays_short_however_much_is_wrong() -> None:
    text = refusal(order_goods, {"items": [{}] * 500, "by": "2026-05-01"})
    assert len(text.splitlines()) == 13
    assert "... and 490 more" in text


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ('{"text": ', "not valid JSON"),
        ("[1]", "one JSON object, not [1]"),
        ("null", "one JSON object, not null"),
        ('"text"', 'one JSON object, not "text"'),
        ('{"text": "\\ud83d"}', "not valid JSON"),
        ({"text": "\ud83d"}, "not valid JSON"),
        ({"text": object()}, "not valid JSON"),
        ('{"text": 7}', "text: Input should be a valid string, got 7"),
    ],
)
def test_what_is_no_object_is_an_error_for_the_model(raw: Any, told: str) -> None:
    assert told in refusal(word_count, raw)


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────

LANGUAGE: ContextVar[str] = ContextVar("LANGUAGE", default="en")


@pytest.mark.asyncio
async def test_async_tool_runs_on_the_loop_with_its_context() -> None:
    """B-16."""
    arguments = order_goods.validated({"items": [], "by": "2026-05-01"})
    assert await order_goods.call(arguments, ToolContext(tool_call_id="call_1")) == "call_1: 0 by 01.05. cheap"


@pytest.mark.asyncio
async def test_sync_tool_runs_in_a_thread_with_the_callers_context_variables() -> None:
    @tool
    def where() -> tuple[bool, str]:
        return threading.current_thread() is threading.main_thread(), LANGUAGE.get()

    LANGUAGE.set("de")
    assert await where.call({}, ToolContext()) == (False, "de")


@pytest.mark.asyncio
async def test_sync_function_that_returns_a_coroutine_is_awaited() -> None:
    async def later(text: str) -> str:
        return text.upper()

    @tool
    def soon(text: str) -> Any:
        return later(text)

    assert await soon.call({"text": "a"}, ToolContext()) == "A"


@pytest.mark.asyncio
async def test_stop_iteration_in_a_sync_tool_is_an_error_not_a_hang() -> None:
    @tool
    def first(of: list[str]) -> str:
        return next(iter(of))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(first.call({"of": []}, ToolContext()), 5)


@pytest.mark.asyncio
async def test_progress_of_async_and_sync_tools_is_announced_on_the_loop() -> None:
    heard: list[tuple[str, dict[str, JsonValue], bool]] = []

    def emit(type: str, data: Any) -> None:
        heard.append((type, dict(data), threading.current_thread() is threading.main_thread()))

    @tool
    async def slowly(context: ToolContext) -> None:
        await context.progress("half", percent=50)

    @tool
    def busily(context: ToolContext) -> None:
        context.progress("done")

    context = ToolContext(tool_call_id="call_1", emit=emit)
    await slowly.call({}, context)
    await busily.call({}, context)
    base = {"status": "executing", "call_id": "call_1"}
    assert heard == [
        ("tool_execution_update", {**base, "progress": "half", "data": {"percent": 50}}, True),
        ("tool_execution_update", {**base, "progress": "done"}, True),
    ]


def test_progress_of_a_thread_that_nobody_waits_for_any_more_disturbs_nothing() -> None:
    loop = asyncio.new_event_loop()
    context = ToolContext().in_thread(loop)
    loop.close()
    context.progress("still here")


def test_idempotency_key_is_the_agents_and_the_calls_whatever_the_attempt() -> None:
    """B-16."""
    keys = {ToolContext(agent_id="a", tool_call_id="call_1", attempt=n).idempotency_key for n in (1, 2)}
    assert keys == {"a:call_1"}


@pytest.mark.asyncio
async def test_state_is_read_when_a_tool_asks_for_it() -> None:
    """B-16."""
    reads: list[str] = []

    async def read() -> State:
        reads.append("read")
        return State(agent_id="a")

    context = ToolContext(read_state=read)
    assert reads == []
    assert (await context.state()).agent_id == "a"
    assert await ToolContext().state() == State()


@pytest.mark.asyncio
async def test_tool_with_a_context_is_called_by_hand_through_bound() -> None:
    with pytest.raises(TypeError, match=r"order_goods\.bound"):
        _ = order_goods(items=[], by=date(2026, 5, 1))
    bound = order_goods.bound(ToolContext(tool_call_id="c"))
    assert await bound(items=[], by=date(2026, 5, 1), how="fast") == "c: 0 by 01.05. fast"
    assert word_count.bound(ToolContext())("one two") == 2


# ── tools that somebody else describes ───────────────────────────────────────────────────────────────────────────


@pytest.mark.asyncio
async def test_tool_from_a_schema_gets_its_context_and_arguments() -> None:
    async def run(context: ToolContext, arguments: dict[str, Any]) -> object:
        return [context.agent_id, arguments]

    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": {"context": {"type": "string"}},
        "required": ["context"],
        "additionalProperties": False,
    }
    remote = Tool.from_schema(name="remote", description="Elsewhere.", parameters=schema, function=run, attempts=2)
    assert await remote.call(remote.validated('{"context": "x"}'), ToolContext(agent_id="a")) == ["a", {"context": "x"}]
    assert (remote.parameters, remote.attempts) == (schema, 2)
    assert "context: required" in refusal(remote, {})
    assert "y: there is no such parameter; the tool takes context" in refusal(remote, {"context": "x", "y": 1})


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_answers_are_written_with_positional_arguments_and_checked() -> None:
    """B-15."""
    whole = ToolResult({"id": 7}, state=StateDelta(metadata={"order": 7}), artifacts=[1])
    assert (whole.content, whole.artifacts, whole.is_error) == ({"id": 7}, [1], False)
    assert Pause("maintenance").cause == "maintenance"
    assert str(ModelRetry("Try a shorter text.")) == "Try a shorter text."
    with pytest.raises(ValueError, match="state"):
        ToolResult("x", state=3)  # type: ignore[arg-type]


def test_raised_interrupt_carries_what_is_asked() -> None:
    """B-15."""
    raised = RaiseInterrupt("Which size?", data={"sizes": ["s", "m"]}, allowed_decisions=["respond"]).raised
    assert (raised.reason, raised.message, raised.data) == ("input_required", "Which size?", {"sizes": ["s", "m"]})
    assert raised.allowed_decisions == ("respond",)
    with pytest.raises(ValueError, match="approvals"):
        RaiseInterrupt("Really?", reason="tool_call")
