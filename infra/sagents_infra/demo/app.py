"""The demo's application: an analyst with real tools. `MODEL` names a real model; without it a script plays one."""

import os

from sagents import Agent, AgentRequest, Sagents
from sagents_infra.demo.script import SCRIPTED
from sagents_infra.demo.tools import add_up, list_files, publish, write_report, write_todos

app = Sagents()

PROMPT = """You are an analyst. Keep a to-do list with write_todos. Add up every file on the desk with add_up, all
in one reply. Write report.md with the total of each file and the grand total, then publish it. Be brief."""


@app.agent("analyst")
def analyst(_: AgentRequest) -> Agent:
    return Agent(
        model=os.environ.get("MODEL") or SCRIPTED,
        system_prompt=PROMPT,
        tools=[write_todos, list_files, add_up, write_report, publish],
        default_middleware=False,  # it has a list of tasks and a desk with files of its own
    )
