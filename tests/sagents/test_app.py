"""The registry: agents by name, made anew from code, and found by `module:attribute`."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import sagents
from sagents import (
    Agent,
    AgentNotRegistered,
    AgentRequest,
    AppNotFound,
    InvalidAgent,
    Message,
    Retries,
    Retry,
    Sagents,
    load_app,
)
from sagents.plan import AgentRef
from sagents.public_names import HOMES


def an_app() -> Sagents:
    app = Sagents()

    @app.agent("helper")
    def helper(request: AgentRequest) -> Agent:
        return Agent(model="test:any", system_prompt=f"Speak {request.options.get('language', 'English')}.")

    return app


# ── registering ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_factory_stays_a_function() -> None:
    app = Sagents()

    @app.agent("helper")
    def helper(request: AgentRequest) -> Agent:
        return Agent(model="test:any", agent_id=request.agent_id)

    assert helper(AgentRequest(agent_id="a")).agent_id == "a"
    assert helper(AgentRequest()).model == "test:any"


def test_name_taken_twice_fails_at_import_and_names_both_places() -> None:
    app = an_app()
    with pytest.raises(InvalidAgent, match=r"Two agents are registered as 'helper': .*an_app.*helper and .*Agent"):
        app.agent("helper", Agent(model="test:any"))
    app.saver("crm")(lambda agent_id, state: None)
    with pytest.raises(InvalidAgent, match="Two savers are registered as 'crm'"):
        app.saver("crm")(lambda agent_id, state: None)


@pytest.mark.parametrize("name", ["", "two words", "a/b", "x" * 101, 7])
def test_name_that_no_door_could_use_is_refused(name: Any) -> None:
    with pytest.raises(InvalidAgent, match="is no name"):
        Sagents().agent(name)


def test_decorator_without_parentheses_says_what_it_wants() -> None:
    app = Sagents()
    with pytest.raises(InvalidAgent, match=r'Write `@app.agent\("a name"\)`'):
        app.agent(an_app)  # type: ignore[call-overload]
    with pytest.raises(InvalidAgent, match=r'Write `@app.saver\("a name"\)`'):
        app.saver(an_app)  # type: ignore[arg-type]


def test_what_is_no_factory_or_saver_is_refused_at_import() -> None:
    app = Sagents()
    with pytest.raises(InvalidAgent, match="one argument, the AgentRequest"):
        app.agent("helper")(lambda: None)  # type: ignore[type-var]
    with pytest.raises(InvalidAgent, match="takes an Agent"):
        app.agent("helper", lambda request: None)  # type: ignore[call-overload]
    with pytest.raises(InvalidAgent, match="exported_state"):
        app.saver("crm")(lambda agent_id: None)


def test_only_agent_is_the_one_that_is_meant() -> None:
    app = an_app()
    assert (app.names, app.default_agent, Sagents().default_agent) == (("helper",), "helper", None)
    app.agent("other", Agent(model="test:any"))
    assert (app.names, app.default_agent) == (("helper", "other"), None)


@pytest.mark.asyncio
async def test_saver_gets_a_context_if_it_takes_one() -> None:
    app = Sagents()
    saved: list[tuple[object, ...]] = []

    @app.saver("plain")
    async def plain(agent_id: str, exported_state: Mapping[str, Any]) -> None:
        saved.append((agent_id, exported_state))

    @app.saver("full")
    def full(agent_id: str, exported_state: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        saved.append((agent_id, exported_state, context))

    for saver in app.savers.values():
        await saver.save("a", {"version": 3}, {"conversation_id": "c"})
    assert saved == [("a", {"version": 3}), ("a", {"version": 3}, {"conversation_id": "c"})]


def test_listeners_for_new_messages_are_kept() -> None:
    app = Sagents()

    @app.on_new_message
    def log(conversation_id: str, message: Message) -> None: ...

    assert app.message_listeners == (log,)


def test_restart_strategy_is_the_applications() -> None:
    assert Sagents().retries == Retries(model=Retry(), tool=Retry(attempts=1), subagent=Retry(attempts=1))
    assert Sagents(retries=Retries(model=Retry(attempts=9))).retries.model.attempts == 9


# ── making ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.asyncio
async def test_agent_is_made_from_code_each_time_with_what_the_request_says() -> None:
    """L-14."""
    app = an_app()
    ref = AgentRef(name="helper", agent_id="conversation-1", options={"language": "Welsh"})
    first, second = await app.make(ref), await app.make(ref)
    assert (first.name, first.agent_id, first.system_prompt) == ("helper", "conversation-1", "Speak Welsh.")
    assert first is not second


@pytest.mark.asyncio
async def test_factory_sees_ids_scope_and_options() -> None:
    app, seen = Sagents(), list[AgentRequest]()

    @app.agent("helper")
    async def helper(request: AgentRequest) -> Agent:
        seen.append(request)
        return Agent(model="test:any", name="Helga", agent_id="mine")

    made = await app.make(AgentRef(agent_id="a", conversation_id="c", scope={"tenant": 1}, options={"x": 2}))
    assert seen == [AgentRequest(agent_id="a", conversation_id="c", scope={"tenant": 1}, options={"x": 2})]
    assert (made.name, made.agent_id) == ("Helga", "a")


@pytest.mark.asyncio
async def test_agent_without_a_factory_is_the_same_for_everybody() -> None:
    app = Sagents()
    registered = app.agent("helper", Agent(model="test:any", agent_id="mine"))
    assert (await app.make(AgentRef(name="helper"))).agent_id == "mine"
    assert (await app.make(AgentRef(name="helper", agent_id="a"))).agent_id == "a"
    assert registered.name is None


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["hepler", ""])
async def test_unknown_name_lists_the_known_ones(name: str) -> None:
    """L-14: without code there is no agent, whatever was saved."""
    app = an_app()
    app.agent("other", Agent(model="test:any"))
    with pytest.raises(AgentNotRegistered, match="registered: helper, other"):
        await app.make(AgentRef(name=name))


@pytest.mark.asyncio
async def test_factory_that_fails_is_named_with_its_cause() -> None:
    app = Sagents()

    @app.agent("helper")
    def helper(request: AgentRequest) -> Agent:
        raise KeyError("API_KEY")

    with pytest.raises(InvalidAgent, match="The factory of 'helper' failed: KeyError: 'API_KEY'") as error:
        await app.make(AgentRef())
    assert isinstance(error.value.__cause__, KeyError)


@pytest.mark.asyncio
async def test_factory_that_returns_something_else_is_named() -> None:
    app = Sagents()
    app.agent("helper")(lambda request: "agent")  # type: ignore[type-var]
    with pytest.raises(InvalidAgent, match="'helper' returned str; it has to return an Agent"):
        await app.make(AgentRef())


@pytest.mark.asyncio
async def test_tests_replace_models_by_the_agents_name() -> None:
    app = Sagents()
    app.agent("helper", Agent(model="vendor:dear", fallback_models=["vendor:dearer"]))
    one, several = app.with_models({"helper": "test:one"}), app.with_models({"helper": ["test:one", "test:two"]})
    made = [await each.make(AgentRef()) for each in (app, one, several)]
    assert [(agent.model, agent.fallback_models) for agent in made] == [
        ("vendor:dear", ("vendor:dearer",)),
        ("test:one", ()),
        ("test:one", ("test:two",)),
    ]
    with pytest.raises(AgentNotRegistered):
        app.with_models({"hepler": "test:one"})


# ── loading ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_app_is_found_by_module_and_attribute(folder: Path) -> None:
    (folder / "support_app.py").write_text("from sagents import Sagents\napp = Sagents()\n")
    assert isinstance(load_app("support_app:app"), Sagents)
    assert Sagents.load("support_app:app") is load_app("support_app:app")


@pytest.mark.parametrize(
    "spec", ["", "support", "support:", ":app", "support.py:app", "src/support:app", "support:a b"]
)
def test_spec_of_another_form_says_how_to_write_it(spec: str) -> None:
    with pytest.raises(AppNotFound, match="write module:attribute, as SAGENTS_APP=support:app"):
        load_app(spec)


def test_missing_module_says_where_it_was_looked_for(folder: Path) -> None:
    with pytest.raises(AppNotFound) as error:
        load_app("nowhere.support:app")
    assert "No module 'nowhere' for 'nowhere.support:app'" in str(error.value)
    assert str(folder) in str(error.value)


def test_missing_attribute_names_the_app_that_is_there(folder: Path) -> None:
    (folder / "other_app.py").write_text("from sagents import Sagents\napplication = Sagents()\ncount = 1\n")
    with pytest.raises(AppNotFound, match=r"does not exist in .*other_app\.py; did you mean other_app:application\?"):
        load_app("other_app:app")
    with pytest.raises(AppNotFound, match="other_app:count is a int in"):
        load_app("other_app:count")


def test_module_without_an_app_says_what_to_write(folder: Path) -> None:
    (folder / "empty_app.py").write_text("")
    with pytest.raises(AppNotFound, match=r"write `app = Sagents\(\)` there"):
        load_app("empty_app:app")


def test_error_in_the_module_comes_out_as_it_is(folder: Path) -> None:
    (folder / "broken_app.py").write_text("import a_module_that_is_not_there\n")
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
        load_app("broken_app:app")


# ── what `import sagents` offers ─────────────────────────────────────────────────────────────────────────────────


def test_public_names_are_sorted_and_there() -> None:
    assert list(sagents.__all__) == sorted(sagents.__all__)
    assert set(sagents.__all__) == HOMES.keys()
    assert all(hasattr(sagents, name) for name in sagents.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = sagents.nothing


def test_each_public_name_is_loaded_from_where_type_checkers_look() -> None:
    imported = {
        alias.name: node.module
        for node in ast.walk(ast.parse(inspect.getsource(sagents)))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported.items() >= HOMES.items()


def test_the_client_loads_nothing_that_only_defines_agents() -> None:
    code = "import sagents.client, sys; print([name for name in %r if name in sys.modules])"
    defining = "sagents.agent", "sagents.hooks", "sagents.middleware", "sagents.tools", "sagents.files"
    ran = subprocess.run([sys.executable, "-c", code % (defining,)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_import_loads_neither_temporal_nor_vendors() -> None:
    heavy = "temporalio", "boto3", "pydantic_ai", "structlog", "rich", "typer"
    code = f"import sagents, sys; print([name for name in {heavy!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
