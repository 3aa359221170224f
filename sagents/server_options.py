"""What makes the options of a server of tools valid, and the names under which its tools are offered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sagents.errors import InvalidAgent
from sagents.policy import Policy
from sagents.ports import ServerAddress, ToolServer
from sagents.tool_options import NAME

SERVER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,31}")
LONGEST = 64


def check_options(name: object, only: object, approval: object, timeout: object) -> None:
    """Raises `InvalidAgent` for the first option that cannot be meant."""
    if not isinstance(name, str) or not SERVER_NAME.fullmatch(name):
        raise InvalidAgent(f"{name!r} is no name for a server: up to 32 letters, digits, _ and - are allowed.")
    if only is not None and (isinstance(only, str) or not isinstance(only, Sequence)):
        raise InvalidAgent(f"McpTools {name!r}: only is a list of names or patterns, not {only!r}.")
    if approval is not None and not isinstance(approval, Policy):
        raise InvalidAgent(f"McpTools {name!r}: approval is a policy, as ask() or deny(...), not {approval!r}.")
    if not isinstance(timeout, timedelta) or timeout <= timedelta(0):
        raise InvalidAgent(f"McpTools {name!r}: timeout is a timedelta above zero, not {timeout!r}.")


def address_of(
    name: str,
    url: str | None,
    headers: Mapping[str, str] | None,
    command: Sequence[str] | None,
    env: Mapping[str, str] | None,
    cwd: str | None,
    server: ToolServer | None,
    times: Mapping[str, timedelta],
) -> ServerAddress | None:
    """Where the server is; None where it is given itself."""
    if sum(place is not None for place in (url, command, server)) != 1:
        raise InvalidAgent(f"McpTools {name!r} is at a url, or a command, or a server of your own: give one of them.")
    if (headers and url is None) or ((env or cwd) and command is None):
        raise InvalidAgent(f"McpTools {name!r}: headers belong to a url, env and cwd to a command.")
    for option, length in times.items():
        if not isinstance(length, timedelta) or length <= timedelta(0):
            raise InvalidAgent(f"McpTools {name!r}: {option} is a timedelta above zero, not {length!r}.")
    if server is not None:
        return None
    return ServerAddress(
        name=name,
        url=_url(name, url) if url is not None else "",
        headers=_pairs(name, "headers", headers),
        command=_command(name, command) if command is not None else (),
        env=_pairs(name, "env", env),
        cwd=cwd,
        **times,
    )


def tool_names(prefix: str, names: Sequence[str]) -> list[str]:
    """A name for each that every provider takes; where two would be the same, a digest tells them apart."""
    plain = [re.sub(r"[^A-Za-z0-9_-]", "_", f"{prefix}{name}") for name in names]
    whole = [text if NAME.match(text) else f"_{text}" for text in plain]
    return [
        text if len(text) <= LONGEST and whole.count(text) == 1 else f"{text[: LONGEST - 9]}_{_digest(name)}"
        for text, name in zip(whole, names, strict=True)
    ]


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:8]


def _url(name: str, url: Any) -> str:
    if not isinstance(url, str) or not re.match(r"https?://\S+$", url):
        raise InvalidAgent(f"McpTools {name!r}: url begins with https:// or http://, unlike {url!r}.")
    return url


def _command(name: str, command: Any) -> tuple[str, ...]:
    words = () if isinstance(command, str) or not isinstance(command, Sequence) else tuple(command)
    if not words or not all(isinstance(word, str) for word in words):
        raise InvalidAgent(f'McpTools {name!r}: command is a list as ["npx", "-y", "server"], not {command!r}.')
    return words


def _pairs(name: str, option: str, given: Any) -> tuple[tuple[str, str], ...]:
    pairs = {} if given is None else given
    if not isinstance(pairs, Mapping) or not all(isinstance(text, str) for pair in pairs.items() for text in pair):
        raise InvalidAgent(f"McpTools {name!r}: {option} are texts by name.")
    return tuple(sorted(pairs.items()))
