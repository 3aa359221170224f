"""Which pages may ask the local server: the rules of `template.yaml`, by the setting that has its parameter's place."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from sagents_infra.http.handler import Door
from sagents_infra.http.local import LocalServer
from sagents_infra.http.options import HttpOptions
from sagents_infra.http.origins import METHODS, SECONDS, SENT, SHOWN, Origins
from sagents_infra.http.serving import ANYBODY
from sagents_infra.http.tokens import LocalIssuer
from tests.infra.aws.templates import template
from tests.infra.http.conftest import nobody

ISSUER = LocalIssuer(b"s" * 32)
PAGE = "https://app.example.com"
ASKS = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
Opened = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@asynccontextmanager
async def served(origins: str = "", *, tokens: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    """A local server behind which nothing is, as pages reach it."""
    options = HttpOptions(origins=origins)
    verifier = ISSUER.verifier if tokens else None
    app = LocalServer(Door(nobody(), options), verifier, ANYBODY, origins=Origins(options.pages))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:7280") as client:
        yield client
    app.close()


def test_the_local_server_and_the_template_say_the_same() -> None:
    cors = next(
        one["Properties"]["CorsConfiguration"]["Fn::If"][1]
        for one in template()["Resources"].values()
        if "CorsConfiguration" in one.get("Properties", {})
    )
    assert cors["AllowMethods"] == [*METHODS]
    assert cors["AllowHeaders"] == [*SENT]
    assert cors["ExposeHeaders"] == [*SHOWN]
    assert cors["MaxAge"] == SECONDS
    assert "AllowCredentials" not in cors


@pytest.mark.asyncio
async def test_a_page_that_is_named_may_ask_and_read_answers_and_problems() -> None:
    async with served(f"https://other.example.com, {PAGE}") as client:
        asked = await client.options("/conversations", headers=ASKS)
        assert (asked.status_code, asked.content) == (204, b"")
        assert asked.headers["access-control-allow-origin"] == PAGE
        assert "POST" in asked.headers["access-control-allow-methods"].split(",")
        assert "authorization" in asked.headers["access-control-allow-headers"].split(",")
        assert (asked.headers["access-control-max-age"], asked.headers["vary"]) == ("600", "Origin")
        for path in ("/openapi.json", "/conversations"):
            answer = await client.get(path, headers={"Origin": PAGE})
            assert answer.status_code in (200, 401)
            assert answer.headers["access-control-allow-origin"] == PAGE
            assert answer.headers["access-control-expose-headers"] == "etag,location,retry-after"
            assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origins", ["", "https://other.example.com", f"{PAGE}.evil.example", "http://app.example.com"])
@pytest.mark.asyncio
async def test_another_page_may_not_ask_and_none_may_where_none_is_named(origins: str) -> None:
    async with served(origins) as client:
        asked = await client.options("/conversations", headers=ASKS)
        answer = await client.get("/openapi.json", headers={"Origin": PAGE})
        for one in (asked, answer):
            assert not [name for name in one.headers if name.startswith("access-control")]
        assert asked.status_code == (204 if origins else 404)


@pytest.mark.asyncio
async def test_every_page_may_where_that_is_said_and_programs_are_told_nothing_of_it() -> None:
    async with served("*") as client:
        asked = await client.options("/conversations", headers=ASKS)
        assert asked.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-origin" not in (await client.get("/openapi.json")).headers


@pytest.mark.asyncio
async def test_without_tokens_pages_from_elsewhere_are_refused_unless_they_are_named() -> None:
    """Not even `*` lets them: then any page that somebody opens could talk to their agents."""
    async with served("*", tokens=False) as client:
        refused = await client.get("/openapi.json", headers={"Origin": PAGE})
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:sagents:problem:foreign-origin")
        assert (await client.get("/openapi.json", headers={"Origin": "http://localhost:3000"})).status_code == 200
    async with served(PAGE, tokens=False) as client:
        assert (await client.get("/openapi.json", headers={"Origin": PAGE})).status_code == 200
        assert (await client.get("/openapi.json", headers={"Origin": "https://evil.example"})).status_code == 403
