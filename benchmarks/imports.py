"""What importing Sagents costs beside Temporal's client, which every door needs anyway; and the first answer of a door.

Each program runs in a process of its own with its bytecode compiled, one after the other, turn by turn; what counts is
the best of the turns, net of the bare interpreter.
"""

import asyncio
import os
import subprocess
import sys
import tempfile

from benchmarks.figures import Figure

TURNS = 7
BESIDE = "import temporalio.client"
WITH_PYDANTIC = f"{BESIDE}, pydantic; type('Any', (pydantic.BaseModel,), {{}})"
PACKAGE = "from sagents import Agent"
DOOR = "import sagents.client"
AUTHORIZER = "import sagents_infra.sockets.authorizer"
FUNCTION = "import sys; sys.modules['rich'] = None; import sagents_infra.http.handler"
"""What a Lambda function of the HTTP API loads before its first request: without rich, which it does not have and
structlog loads where it is.
"""

FIRST_ANSWER = f"{FUNCTION}; from benchmarks.first_answer import answer; answer()"
"""The same, and the first message up to what Temporal says: what is left for later must not be dearer there."""

PREPARE = ("-m", "benchmarks.first_answer", "prepare")

AS_DEPLOYED = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""Pydantic looks through all distributions for plugins. The template says so, too, to every function."""

PROGRAMS = (BESIDE, WITH_PYDANTIC, PACKAGE, DOOR, FUNCTION, FIRST_ANSWER, AUTHORIZER)
DEPLOYED = (FUNCTION, FIRST_ANSWER, AUTHORIZER)

HEAVY = (
    "anthropic", "boto3", "botocore.client", "google.genai", "openai", "pydantic_ai", "sagents_activities",
    "sagents_workflows", "temporalio.worker", "typer",
)  # fmt: skip
"""Model SDKs, workflow code and what else no door may load."""

PROGRAM = """
import os, sys, time
began = time.process_time()
{program}
print(time.process_time() - began, *(name for name in {heavy} if name in sys.modules), flush=True)
os._exit(0)
"""


async def main() -> list[Figure]:
    return await asyncio.to_thread(measured)


def measured() -> list[Figure]:
    """The figures, each with its bound."""
    with tempfile.TemporaryDirectory() as place:
        env = {**os.environ, "PYTHONPYCACHEPREFIX": f"{place}/compiled", "PYTHONDONTWRITEBYTECODE": ""}
        env |= {"SAGENTS_HOME": f"{place}/home"}
        subprocess.run([sys.executable, *PREPARE], check=True, env=env)
        turns = [{program: run(program, env) for program in PROGRAMS} for _ in range(TURNS + 1)][1:]  # one compiles
    best = {program: min(turn[program][0] for turn in turns) for program in PROGRAMS}
    loaded = sorted({name for turn in turns for _, names in turn.values() for name in names})
    beside = best[BESIDE]
    return [
        Figure("from sagents import Agent ÷ temporalio.client", best[PACKAGE] / beside, 1.5),
        Figure("import sagents.client ÷ temporalio.client", best[DOOR] / beside, 1.5),
        Figure("import sagents_infra.http.handler ÷ temporalio.client", best[FUNCTION] / beside, 1.5),
        Figure("the same and the first answer ÷ temporalio.client", best[FIRST_ANSWER] / beside),
        Figure("import sagents_infra.sockets.authorizer ÷ temporalio.client", best[AUTHORIZER] / beside, 0.5),
        Figure("temporalio.client and a first pydantic model ÷ temporalio.client", best[WITH_PYDANTIC] / beside),
        Figure("import temporalio.client", beside * 1000, unit="ms"),
        Figure(" ".join(["heavy modules loaded", *loaded]), len(loaded), 0),
    ]


def run(program: str, env: dict[str, str]) -> tuple[float, list[str]]:
    """Processor seconds of a program, and the heavy modules it loaded."""
    command = [sys.executable, "-c", PROGRAM.format(program=program, heavy=HEAVY)]
    told = env | AS_DEPLOYED if program in DEPLOYED else env
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=told)
    seconds, *names = done.stdout.split()
    return float(seconds), names
