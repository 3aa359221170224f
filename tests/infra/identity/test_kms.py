"""Signatures by keys that never leave AWS KMS; moto, over HTTP."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sagents.errors import CannotAnswer, InvalidInput
from sagents.ports import Signer
from sagents_infra.identity.kms import KmsSigner, kms_signer
from sagents_infra.links.errors import LinkForged
from sagents_infra.links.link import link_for
from sagents_infra.links.sealing import opened, sealed
from sagents_infra.settings import Settings
from sagents_infra.wiring import signing_keys
from tests.infra.links.questions import ALICE, NOW, question
from tests.support.aws import KEYS, aws_peer

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with aws_peer() as found:
        yield found


@pytest.fixture
def kms(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in {**KEYS, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL_KMS": url}.items():
        monkeypatch.setenv(name, value)
    return boto3.client("kms")


def a_key(kms: Any, spec: str = "HMAC_256") -> str:
    return str(kms.create_key(KeySpec=spec, KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"])


async def test_what_it_signs_it_verifies_and_nothing_else(kms: Any) -> None:
    key, other = a_key(kms), a_key(kms)
    signer: Signer = KmsSigner(kms, [key, other])
    data = b"x" * 10_000  # KMS takes 4 KiB
    key_id, mac = await signer.sign(data)
    assert (key_id, await signer.knows(key)) == (key, True)
    assert await signer.verify(key_id, data, mac)
    for wrong in ((key_id, data + b"y", mac), (other, data, mac), ("strange", data, mac)):
        assert not await signer.verify(*wrong)
    for no_mac in ("", "AAAA", "no base64", "ü"):
        assert not await signer.verify(key_id, data, no_mac)


async def test_a_new_key_in_front_signs_while_the_old_one_holds(kms: Any) -> None:
    old, new = a_key(kms), a_key(kms)
    before = await KmsSigner(kms, [old]).sign(b"data")
    rotated = KmsSigner(kms, [new, old])
    assert (await rotated.sign(b"data"))[0] == new
    assert await rotated.verify(before[0], b"data", before[1])
    assert not await KmsSigner(kms, [new]).knows(old)


async def test_links_are_signed_by_the_keys_of_the_setting(kms: Any) -> None:
    first, second = a_key(kms), a_key(kms)
    signer = signing_keys(Settings(signing_keys=f"kms://{first}, kms://{second}"))  # type: ignore[arg-type] # as text
    link = link_for(question(), ALICE)
    token = await sealed(signer, link)
    assert await opened(signer, token, NOW) == link
    with pytest.raises(LinkForged):
        await opened(KmsSigner(kms, [second]), token, NOW)


async def test_kms_out_of_reach_says_nothing_about_a_signature(kms: Any) -> None:
    with pytest.raises(CannotAnswer, match="does not let us"):
        await KmsSigner(kms, ["00000000-0000-0000-0000-000000000000"]).sign(b"data")
    nobody = boto3.client("kms", endpoint_url="http://127.0.0.1:9", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(CannotAnswer, match="out of reach"):
        await KmsSigner(nobody, ["a"]).verify("a", b"data", "AAAA")


@pytest.mark.parametrize("text", ["kms://", "kms://a,b", "kms://a?keys=b", "kms://a,https://b"])
async def test_what_is_no_key_of_kms_is_refused_by_its_form(text: str) -> None:
    with pytest.raises(InvalidInput, match="kms://alias/NAME"):
        kms_signer(text)
