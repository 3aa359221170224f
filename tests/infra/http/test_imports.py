"""What a cold start of the function loads."""

import subprocess
import sys

HEAVY = [
    "anthropic", "boto3", "google.genai", "jwt", "mcp", "openai", "opentelemetry", "pydantic_ai", "sagents_activities",
    "sagents_workflows", "temporalio.worker", "typer", "uvicorn", "aws_lambda_powertools.event_handler.openapi.models",
]  # fmt: skip


def test_the_function_loads_no_model_sdk_and_no_workflow_code() -> None:
    code = "import sys, sagents_infra.http.handler as door; door.api()"
    told = f"{code}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
