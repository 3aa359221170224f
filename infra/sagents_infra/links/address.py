"""Where a link leads."""

from urllib.parse import urlsplit

from sagents.errors import InvalidInput

PATH = "/approvals/"
LOCAL = "http://127.0.0.1:7280"
"""Where `sagents dev` and `sagents serve` are, unless they were told otherwise."""


def address_of(base: str, token: str) -> str:
    """The link as people get it. Raises `InvalidInput` where `base` is no address of the web."""
    parts = urlsplit(base.strip())
    if parts.scheme not in ("https", "http") or not parts.netloc or parts.query or parts.fragment:
        raise InvalidInput(f"SAGENTS_PUBLIC_URL is {base!r}; it has to look like https://agents.example.com.")
    return f"{base.strip().rstrip('/')}{PATH}{token}"


def token_of(link: str) -> str:
    """The token of a link, or the token itself."""
    return link.strip().rpartition(PATH)[2]
