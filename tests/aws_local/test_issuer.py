"""Tokens of the issuer on loopback are such as API Gateway's authorizer verifies."""

from collections.abc import Iterator

import httpx
import jwt
import pytest

from tools.aws_local.issuer import AUDIENCE, Issuer, issuer


@pytest.fixture(name="tokens", scope="module")
def tokens_of_an_issuer() -> Iterator[Issuer]:
    with issuer() as found:
        yield found


def verified(tokens: Issuer, token: str) -> dict[str, object]:
    """The claims, by nothing but what the issuer publishes."""
    with httpx.Client(trust_env=False) as http:
        said = http.get(f"{tokens.url}/.well-known/openid-configuration").json()
        keys = jwt.PyJWKSet.from_dict(http.get(said["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, object] = jwt.decode(token, key, ["RS256"], audience=AUDIENCE, issuer=said["issuer"])
    return claims


def test_token_is_verified_by_the_keys_that_its_issuer_publishes(tokens: Issuer) -> None:
    assert verified(tokens, tokens.token("ann"))["sub"] == "ann"


def test_tokens_that_people_try_in_vain_are_refused_for_what_they_say(tokens: Issuer) -> None:
    """Else their 401 would prove nothing."""
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(tokens, tokens.token("ann", hours=-1))
    with pytest.raises(jwt.InvalidAudienceError):
        verified(tokens, tokens.token("ann", audience="another"))
    with issuer() as another, pytest.raises(jwt.InvalidSignatureError):
        verified(tokens, jwt.encode({"aud": AUDIENCE, "iss": tokens.url}, another.key, "RS256", {"kid": "local"}))


def test_issuer_has_no_other_pages(tokens: Issuer) -> None:
    with httpx.Client(trust_env=False) as http:
        assert http.get(f"{tokens.url}/").status_code == 404
