"""What importing Sagents costs beside Temporal's client, which every door needs anyway."""

import asyncio
import os
import subprocess
import sys
import tempfile
from statistics import median

from benchmarks.figures import Figure

TURNS = 15
BESIDE = "import temporalio.client"
WITH_PYDANTIC = f"{BESIDE}, pydantic; type('Any', (pydantic.BaseModel,), {{}})"
PACKAGE = "from sagents import Agent"
DOOR = "import sagents.client"
AUTHORIZER = "import sagents_infra.sockets.authorizer"
FUNCTION = "import sys; sys.modules['rich'] = None; import sagents_infra.http.handler"
"""What a Lambda function of the HTTP API loads before its first request: without rich, which it does not have and
structlog loads where it is.
"""

HEAVY = (
    "anthropic", "boto3", "botocore", "google.genai", "openai", "pydantic_ai", "rich", "sagents_activities",
    "sagents_infra", "sagents_workflows", "temporalio.worker", "typer",
)  # fmt: skip
"""Model SDKs, workflow code and what else no door may load."""

PROGRAM = """
import sys, time
began = time.process_time()
{program}
print(time.process_time() - began, *(name for name in {heavy} if name in sys.modules))
"""


async def main() -> list[Figure]:
    return await asyncio.to_thread(measured)


def measured() -> list[Figure]:
    """Median processor time of turns: each program in a process of its own, one after the other."""
    with tempfile.TemporaryDirectory() as compiled:
        programs = (BESIDE, WITH_PYDANTIC, PACKAGE, DOOR, FUNCTION, AUTHORIZER)
        turns = [[run(program, compiled) for program in programs] for _ in range(TURNS + 1)][
            1:
        ]  # the first one compiles
    beside, with_pydantic, package, door, function, authorizer = (
        median(seconds for seconds, _ in column) for column in zip(*turns, strict=True)
    )
    loaded = sorted({name for turn in turns for _, names in turn[:-2] for name in names})
    return [
        Figure("from sagents import Agent ÷ temporalio.client", package / beside, 1.5),
        Figure("import sagents.client ÷ temporalio.client", door / beside, 1.5),
        Figure("import sagents.client ÷ temporalio.client and pydantic", door / with_pydantic),
        Figure("import sagents_infra.http.handler ÷ temporalio.client", function / beside, 1.5),
        Figure("import sagents_infra.sockets.authorizer ÷ temporalio.client", authorizer / beside, 0.5),
        Figure("import temporalio.client", beside * 1000, unit="ms"),
        Figure(" ".join(["heavy modules loaded", *loaded]), len(loaded), 0),
    ]


def run(program: str, compiled: str) -> tuple[float, list[str]]:
    """Seconds of a program with its bytecode compiled, as deployments have it, and the heavy modules it loaded."""
    env = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", PROGRAM.format(program=program, heavy=HEAVY)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    seconds, *names = done.stdout.split()
    return float(seconds), names
