"""Keys that sign and verify, and how they are written down."""

from base64 import b64encode, urlsafe_b64encode

import pytest
from pydantic import SecretStr

from sagents.errors import SagentsError
from sagents_infra.identity import KeyRing
from sagents_infra.settings import Settings
from sagents_infra.wiring import signing_keys

OLD, NEW = bytes(range(200, 232)), bytes(range(190, 238))  # the same in each process: they name tests


def written(**keys: bytes) -> str:
    return ",".join(f"{key_id}:{b64encode(key).decode()}" for key_id, key in keys.items())


@pytest.mark.asyncio
async def test_the_first_key_signs_and_all_keys_verify() -> None:
    before, after = KeyRing.parse(written(old=OLD)), KeyRing.parse(written(new=NEW, old=OLD))
    key_id, mac = await before.sign(b"data")
    assert key_id == "old"
    assert await after.verify(key_id, b"data", mac)
    assert (await after.sign(b"data"))[0] == "new"


@pytest.mark.asyncio
async def test_a_withdrawn_key_is_not_known_and_verifies_nothing() -> None:
    key_id, mac = await KeyRing({"old": OLD}).sign(b"data")
    ring = KeyRing({"new": NEW})
    assert not await ring.knows(key_id)
    assert not await ring.verify(key_id, b"data", mac)
    assert await ring.knows("new")


@pytest.mark.asyncio
@pytest.mark.parametrize(("data", "mac"), [(b"dat\xe0", None), (b"data", ""), (b"data", "é" * 64), (b"data", "0" * 64)])
async def test_a_wrong_signature_verifies_nothing(data: bytes, mac: str | None) -> None:
    ring = KeyRing({"old": OLD})
    key_id, genuine = await ring.sign(b"data")
    assert not await ring.verify(key_id, data, genuine if mac is None else mac)


@pytest.mark.asyncio
async def test_a_signature_is_under_one_key_id_even_where_two_have_the_same_key() -> None:
    ring = KeyRing({"one": OLD, "two": OLD})
    _, mac = await ring.sign(b"data")
    assert not await ring.verify("two", b"data", mac)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "text",
    [
        written(old=OLD),
        f"  old : {b64encode(OLD).decode()} ,\n",
        f"old:{urlsafe_b64encode(OLD).decode().rstrip('=')}",
        KeyRing({"old": OLD}).text,
    ],
)
async def test_keys_are_read_as_people_write_them(text: str) -> None:
    assert await KeyRing.parse(text).sign(b"data") == await KeyRing({"old": OLD}).sign(b"data")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "needs a key"),
        ("c2VjcmV0", "has no id"),
        ("old:c2VjcmV0", "'old' has 6 bytes; 32 are needed"),
        (f"old:{OLD.hex()}!", "'old' is no base64"),
        (f"{written(old=OLD)},{written(old=NEW)}", "Two signing keys have the id 'old'"),
        (f":{b64encode(OLD).decode()}", "key's id has"),
        (f"a b:{b64encode(OLD).decode()}", "key's id has"),
    ],
)
def test_what_is_no_key_is_refused_without_telling_it(text: str, reason: str) -> None:
    with pytest.raises(SagentsError, match=reason) as refused:
        KeyRing.parse(text)
    assert "openssl rand" in str(refused.value) or "its own" in str(refused.value)
    for secret in ("c2VjcmV0", OLD.hex(), b64encode(OLD).decode(), b64encode(NEW).decode()):
        assert secret not in str(refused.value)


def test_a_ring_shows_ids_and_never_keys() -> None:
    assert repr(KeyRing({"new": NEW, "old": OLD})) == "<KeyRing new, old>"


@pytest.mark.asyncio
async def test_the_setting_gives_the_keys_and_hides_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGENTS_SIGNING_KEYS", written(old=OLD))
    settings = Settings()
    assert await signing_keys(settings).knows("old")
    assert not settings.keys_path.exists()
    assert b64encode(OLD).decode() not in repr(settings)


def test_a_setting_that_is_no_key_says_so() -> None:
    with pytest.raises(SagentsError, match="6 bytes"):
        signing_keys(Settings(signing_keys=SecretStr("old:c2VjcmV0")))
