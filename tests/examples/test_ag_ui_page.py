"""What `docs/ag_ui.md` and its example show works as it is written there."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples import ag_ui_page, support
from sagents.testing import ScriptedModel, calls, says
from tests.infra.ag_ui.client import Page
from tests.support.deciding import server_of

PAGE = (Path(__file__).resolve().parents[2] / "docs/ag_ui.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
REQUEST = json.loads(re.findall(r"-d '(.*)'", PAGE)[0])


def taken(text: str) -> Page:
    page = Page()
    for line in text.splitlines():
        if line.startswith("data: "):
            page.take(json.loads(line.removeprefix("data: ")))
    return page


@pytest.mark.asyncio
async def test_the_page_and_the_example_answer_a_post_with_the_events_of_the_run(agent_env: Any) -> None:
    model = ScriptedModel(calls(support.word_count, text="Hi"), says("One."), says("Hello again."))
    async with agent_env(support.app, models={"helper": model}) as env:
        server = server_of(env)
        transport = httpx.ASGITransport(app=ag_ui_page.application(server))
        request = {**REQUEST, "threadId": env.id("thread")}
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            response = await client.post("/", json=request)
            assert response.headers["content-type"] == "text/event-stream"
            assert taken(response.text).texts == ["One."]
            assert (await client.post("/", content="nonsense")).status_code == 400
        names: dict[str, Any] = {}
        exec(BLOCK, names)
        again = {**request, "messages": [{"id": "m2", "role": "user", "content": "Hi again"}]}
        chunks = [chunk async for chunk in names["post"](server, json.dumps(again).encode())]
        assert taken(b"".join(chunks).decode()).texts == ["Hello again."]
