"""`sagents init`: two files that work at once (B-126)."""

from pathlib import Path

from sagents import SagentsError
from sagents_infra.cli.output import show

APP = '''\
"""Your first agent. `sagents dev` runs it, `sagents chat` talks to it."""

import os

from sagents import Agent, AgentRequest, Sagents, tool

app = Sagents()

# "offline" is a stand-in that needs no key: it calls a tool and says what came of it.
# A real model: MODEL=anthropic:claude-sonnet-5-5 ANTHROPIC_API_KEY=... sagents dev
MODEL = os.environ.get("MODEL", "offline")


@tool
def word_count(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


@app.agent("helper")
def helper(request: AgentRequest) -> Agent:
    return Agent(model=MODEL, system_prompt="Be brief.", tools=[word_count])
'''

README = """\
# A Sagents project

```
sagents dev            # Temporal's dev server and a worker; add --reload while you write
sagents chat           # in another terminal: talk to the agent
```

`app.py` is the agent: its prompt, its tools, its model. It works without any key; for a real model say which, and give
its key to `sagents dev`, because that is where agents run:

```
pip install 'sagents[anthropic]'
MODEL=anthropic:claude-sonnet-5-5 ANTHROPIC_API_KEY=... sagents dev
```

Kill anything at any moment, `sagents dev` too: the conversation goes on where it was. `.sagents/` has what agents know.
"""


def init(folder: Path, as_json: bool) -> None:
    """Write the two files; existing ones are never touched."""
    files = {folder / "app.py": APP, folder / "README.md": README}
    if there := [str(path) for path in files if path.exists()]:
        raise SagentsError(f"{' and '.join(there)} exist already; `sagents init DIR` makes the project somewhere else.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SagentsError(f"The project could not be written: {error}.") from error
    go_there = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    lines = [
        f"made {' and '.join(map(str, files))}",
        f"next:  {go_there}sagents dev",
        f"then:  {go_there}sagents chat   (in another terminal)",
    ]
    show({"files": [str(path) for path in files]}, "\n".join(lines), as_json)
