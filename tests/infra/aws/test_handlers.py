"""What `template.yaml` names in the code is there: handlers, routes and their scopes, settings."""

import json
import subprocess
import sys
from importlib import import_module

import pytest

from sagents_infra.http.table import ADDRESSES
from tests.infra.aws.templates import NAMES, ROOT, properties, resources

DOORS = [name for name in NAMES if name != "WorkerFunction"]

HEAVY = ("pydantic_ai", "anthropic", "openai", "google.genai", "sagents_workflows")
"""What a door's cold start does not pay for."""


@pytest.mark.parametrize("name", NAMES)
def test_handler_is_a_function_of_ours(name: str) -> None:
    module, _, function = properties(name)["Handler"].rpartition(".")
    assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("name", DOORS)
def test_handler_of_a_door_imports_no_model_and_no_workflow(name: str) -> None:
    module = properties(name)["Handler"].rpartition(".")[0]
    found = f"[name for name in {HEAVY} if name in sys.modules]"
    script = f"import json, sys, {module}, sagents_infra.wiring; print(json.dumps({found}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert json.loads(done.stdout) == []


def test_doors_do_not_look_for_plugins_of_pydantic_and_a_worker_may_have_some() -> None:
    told = {name: properties(name).get("Environment", {}).get("Variables", {}) for name in NAMES}
    without = {name for name, variables in told.items() if variables.get("PYDANTIC_DISABLE_PLUGINS") == "__all__"}
    assert without == {"ApiFunction", "SocketFunction", "TriggerFunction"}  # the authorizer has no pydantic at all


def test_gateway_has_the_routes_of_the_api_with_their_scopes() -> None:
    """Each scope is asked twice: by the gateway's authorizer, and by the handler."""
    ours = {f"{route.method} {route.path}": route.scope for route in ADDRESSES}
    routes_there = [body["Properties"] for body in resources("AWS::ApiGatewayV2::Route").values()]
    gateway = [route for route in routes_there if route["ApiId"] == {"Ref": "HttpApi"}]
    theirs = {route["RouteKey"]: (route.get("AuthorizationScopes") or [None])[0] for route in gateway}
    assert theirs == ours
