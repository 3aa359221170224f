"""The locks name versions and digests, never the address of a registry."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = [
    "requirements.lock",
    "requirements-node.lock",
    "requirements-aws.lock",
    "requirements-checkov.lock",
    "requirements-ministack.lock",
    "deploy/doors/requirements.txt",
    "deploy/worker/requirements.txt",
]
LOCKS = [*REQUIREMENTS, "package-lock.json", "package.json", ".npmrc"]
ADDRESS = re.compile(
    r"\w+://|--(?:extra-)?index-url|--find-links|\bregistry\s*=|\"resolved\"",
    re.IGNORECASE,
)
PINNED = re.compile(r"^[a-z0-9][a-z0-9.-]*==\S+", re.MULTILINE)


@pytest.mark.parametrize("name", LOCKS)
def test_lock_names_no_registry(name: str) -> None:
    assert ADDRESS.findall((ROOT / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_locked_package_has_a_version_and_digests(name: str) -> None:
    entries = re.split(r"^(?=[a-z0-9])", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert entries
    assert [entry for entry in entries if not (PINNED.match(entry) and "--hash=sha256:" in entry)] == []
