"""Posting JSON to an address of the web: tried again for a moment, never longer than a notice has."""

import asyncio
import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from sagents_infra.notify.sending import NotSent

TIMEOUT = 0.8
PAUSES = (0.1, 0.3)
"""Seconds: three tries and their pauses fit into the three that a notice has."""
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


async def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Post it. Raises `NotSent`, which names no address: those of chats are secrets."""
    for pause in (*PAUSES, None):
        status, why = await asyncio.to_thread(_posted, url, body, headers)
        if status is not None and 200 <= status < 300:
            return
        if pause is None or not (status is None or status in AGAIN):
            raise NotSent(why)
        await asyncio.sleep(pause)


def _posted(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int | None, str]:
    """The status of one try, None where nothing answered; and what went wrong, in words."""
    told = {"Content-Type": "application/json", "User-Agent": "sagents", **headers}
    request = urllib.request.Request(url, data=body, method="POST", headers=told)
    try:
        with _OPENER.open(request, timeout=TIMEOUT) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, f"it answers {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return None, f"it does not answer: {getattr(error, 'reason', None) or type(error).__name__}"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Links go where somebody has set, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)
