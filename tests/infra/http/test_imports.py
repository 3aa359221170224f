"""What a cold start of the function loads."""

import subprocess
import sys

HEAVY = [
    "anthropic", "boto3", "google.genai", "jinja2", "jwt", "mcp", "openai", "opentelemetry", "pydantic_ai",
    "sagents_activities", "sagents_workflows", "temporalio.worker", "typer", "uvicorn",
]  # fmt: skip
"""What no request needs."""

LATER = [
    "aws_lambda_powertools", "pydantic_settings", "sagents.carried", "sagents.commands", "sagents.decision_log",
    "sagents.event_types_life", "sagents.head", "sagents.interrupts", "sagents.lifecycle", "sagents.operations",
    "sagents.plan", "sagents.ports", "sagents.state", "sagents_infra.http.messages",
    "sagents_infra.wiring",
]  # fmt: skip
"""What the first requests load that need it; the import of the door does not wait for it."""

FOR_OTHERS = [
    "aws_lambda_powertools.event_handler.openapi.models", "sagents.carried", "sagents.commands", "sagents.head",
    "sagents.interrupts", "sagents.plan", "sagents_infra.http.approvals", "sagents_infra.http.interrupts",
]  # fmt: skip
"""What a message does not need."""


def loaded(program: str, names: list[str]) -> list[str]:
    """Those of the modules that are there after the program, in a process of its own."""
    there = f"print(*(name for name in {names} if name in sys.modules))"
    code = f"import sys; sys.modules['rich'] = None; {program}; {there}"  # structlog loads it where it is
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_function_loads_no_model_sdk_and_no_workflow_code() -> None:
    told = "import sagents_infra.http.handler; from sagents_infra.http import description; description.written()"
    assert loaded(told, HEAVY) == []


def test_what_only_requests_need_is_loaded_by_the_first_one() -> None:
    assert loaded("import sagents_infra.http.handler", HEAVY + LATER) == []
    assert loaded("import sagents.client", HEAVY + LATER) == []


def test_a_message_loads_nothing_that_other_requests_need() -> None:
    asked = "from sagents_infra.http.api import api; api().add('sagents_infra.http.messages')"
    assert loaded(f"import sagents_infra.http.handler; {asked}", HEAVY + FOR_OTHERS) == []
