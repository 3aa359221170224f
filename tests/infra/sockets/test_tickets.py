"""Tickets: who they say somebody is, and everything else that is none."""

import asyncio
import base64
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagents.principal import Principal
from sagents_infra.connections import MemoryConnections
from sagents_infra.http.identity import READ, WRITE, Caller
from sagents_infra.http.problems import Refusal
from sagents_infra.identity import KeyRing
from sagents_infra.sockets import authorizer
from sagents_infra.sockets.admission import admit, issue
from sagents_infra.sockets.tickets import PURPOSE, Sealed, opened

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = NOW + timedelta(hours=1)
ANN = Caller(Principal("ann", ("finance", "owners"), "acme", HOUR), frozenset({READ, WRITE}))
TODAY = Caller(Principal("ann", ("finance",), "acme"), frozenset({READ}))
ARN = "arn:aws:execute-api:eu-central-1:123456789012:abc/live/$connect"
KEYS = KeyRing.parse("new:" + "bmV3" * 12 + ",old:" + "b2xk" * 12)


async def admitted(text: str, *, keys: KeyRing = KEYS, now: datetime = NOW) -> Caller:
    return await admit(keys, MemoryConnections(lambda: now), text, "c1", now)


@pytest.mark.asyncio
async def test_a_ticket_says_who_somebody_is_as_their_token_did() -> None:
    text, until = await issue(KEYS, ANN, NOW)
    assert until == NOW + timedelta(seconds=60)
    assert await admitted(text) == ANN
    nobody_special = Caller(Principal("ben"), frozenset())
    text, _ = await issue(KEYS, nobody_special, NOW)
    assert await admitted(text) == nobody_special


@pytest.mark.asyncio
async def test_a_ticket_ends_after_a_minute_and_never_after_its_token() -> None:
    text, _ = await issue(KEYS, ANN, NOW)
    with pytest.raises(Refusal, match="expired"):
        await admitted(text, now=NOW + timedelta(seconds=60))
    soon = NOW + timedelta(seconds=5)
    text, until = await issue(KEYS, Caller(Principal("ann", expires_at=soon), frozenset()), NOW)
    assert until == soon
    with pytest.raises(Refusal, match="expired"):
        await admitted(text, now=soon)


@pytest.mark.asyncio
async def test_a_ticket_opens_one_connection() -> None:
    text, _ = await issue(KEYS, ANN, NOW)
    connections = MemoryConnections(lambda: NOW)
    await admit(KEYS, connections, text, "c1", NOW)
    await admit(KEYS, connections, text, "c1", NOW)  # the same request, delivered twice
    with pytest.raises(Refusal, match="used before"):
        await admit(KEYS, connections, text, "c2", NOW)


@pytest.mark.asyncio
async def test_a_ticket_holds_while_its_key_does() -> None:
    text, _ = await issue(KeyRing.parse("old:" + "b2xk" * 12), ANN, NOW)
    assert await admitted(text) == ANN
    with pytest.raises(Refusal, match="signature"):
        await admitted(text, keys=KeyRing.fresh())


def changed(text: str, **fields: Any) -> str:
    """The same ticket with other fields and the old signature."""
    data, key_id, mac = text.split(".")
    ticket = json.loads(base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))) | fields
    packed = base64.urlsafe_b64encode(json.dumps(ticket, separators=(",", ":")).encode()).decode().rstrip("=")
    return f"{packed}.{key_id}.{mac}"


def signed(text: str, mac: str) -> str:
    sealed = opened(text)
    return sealed._replace(mac=mac).text


FORGERIES = {
    "empty": lambda text: "",
    "no parts": lambda text: "abc",
    "no base64": lambda text: "ü.ü.ü",
    "no text for a key": lambda text: f"YWJj.{base64.b64encode(bytes([255])).decode()}.00",
    "long": lambda text: text + "0" * 10_000,
    "another subject": lambda text: changed(text, subject="boss"),
    "another tenant": lambda text: changed(text, tenant="other"),
    "more scopes": lambda text: changed(text, scopes=["sagents:admin"]),
    "a longer life": lambda text: changed(text, until=2e9, ends_at=None),
    "another signature": lambda text: signed(text, "0" * 64),
    "a signature that is no text": lambda text: text.rpartition(".")[0] + "._w",
    "no signature": lambda text: text.rpartition(".")[0] + ".",
    "a signature of another alphabet": lambda text: signed(text, "ü🌍"),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
@pytest.mark.asyncio
async def test_what_was_not_issued_so_is_no_ticket_at_both_doors(forge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = await issue(KEYS, TODAY, datetime.now(UTC))
    assert authorized(text, monkeypatch) == "Allow"
    assert authorized(forge(text), monkeypatch) == "Deny"
    with pytest.raises(Refusal) as refused:
        await admitted(forge(text), now=datetime.now(UTC))
    assert refused.value.kind.status == 401


@pytest.mark.asyncio
async def test_what_a_key_signed_for_another_purpose_is_no_ticket() -> None:
    text, _ = await issue(KEYS, ANN, NOW)
    data = base64.urlsafe_b64decode(text.split(".")[0] + "==")
    key_id, mac = await KEYS.sign(b"sagents attestation 1\n" + data)
    assert not PURPOSE.startswith(b"sagents attestation")
    with pytest.raises(Refusal, match="signature"):
        await admitted(Sealed(data, key_id, mac).text)


@pytest.mark.asyncio
async def test_keys_that_never_leave_kms_sign_tickets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they sign has other signs than fit into an address."""

    class Kms(KeyRing):
        async def sign(self, data: bytes) -> tuple[str, str]:
            return "alias/sagents", base64.b64encode(b"\xfb\xff" + data[:8]).decode()

        async def verify(self, key_id: str, data: bytes, mac: str) -> bool:
            return (key_id, mac) == await self.sign(data)

    text, _ = await issue(Kms.fresh(), TODAY, datetime.now(UTC))
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", text)
    monkeypatch.setattr("sagents_infra.identity.kms.kms_signer", lambda _: Kms.fresh())
    for ticket, effect in {text: "Allow", signed(text, "AAAA"): "Deny"}.items():
        assert await asyncio.to_thread(authorized, ticket, monkeypatch, "kms://alias/sagents") == effect


# The authorizer


def authorized(text: str | None, monkeypatch: pytest.MonkeyPatch, keys: str = KEYS.text) -> str:
    monkeypatch.setenv("SAGENTS_SIGNING_KEYS", keys)
    authorizer.keys.cache_clear()
    query = None if text is None else {"ticket": text}
    answer = authorizer.handler({"type": "REQUEST", "methodArn": ARN, "queryStringParameters": query})
    (statement,) = answer["policyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("execute-api:Invoke", ARN)
    return str(statement["Effect"])


@pytest.mark.asyncio
async def test_the_authorizer_lets_in_who_has_a_ticket_that_holds_and_says_who_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, _ = await issue(KEYS, TODAY, datetime.now(UTC))
    assert authorized(text, monkeypatch) == "Allow"
    answer = authorizer.handler({"methodArn": ARN, "queryStringParameters": {"ticket": text}})
    assert answer["principalId"] == "ann"
    assert answer["context"] == {"subject": "ann", "tenant": "acme"}
    assert authorized(None, monkeypatch) == "Deny"
    old, _ = await issue(KEYS, ANN, NOW)
    assert authorized(old, monkeypatch) == "Deny"
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in said] == ["ticket refused"] * 2
    assert old not in str(said)


def test_the_authorizer_imports_the_standard_library_alone() -> None:
    """What it costs is in `make bench`; this holds that neither an SDK nor workflow code can get in."""
    program = "import sys, sagents_infra.sockets.authorizer; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names}
    before = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sorted(sys.modules))"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert ours - {*before} == {
        "sagents_infra",
        "sagents_infra.keyed",
        "sagents_infra.sockets",
        "sagents_infra.sockets.authorizer",
        "sagents_infra.sockets.tickets",
    }
