"""Digests that people and programs name: of a call, and of a decision."""

import hashlib
import json
from typing import Any

from pydantic_core import to_json, to_jsonable_python

from sagents.decisions import DECISION, Decision


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value in its canonical form: keys sorted, no spaces, text as it is."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def call_digest(tool: str, arguments: Any) -> str:
    """What an approval is about: the tool and its arguments."""
    return digest_of({"tool": tool, "arguments": arguments})


def decision_bytes(decision: Decision) -> int:
    """How large a decision is where it is kept."""
    return len(to_json(DECISION.dump_python(decision, mode="json")))


def decision_digest(decision: Decision) -> str:
    """What makes two decisions the same one."""
    return digest_of(to_jsonable_python(DECISION.dump_python(decision, mode="json")))
