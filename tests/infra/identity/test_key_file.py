"""The keys that doors and workers on one machine share without a setting."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sagents.errors import SagentsError
from sagents_infra.identity import KeyRing, keys_in
from sagents_infra.settings import Settings
from sagents_infra.wiring import signing_keys

MAKER = Path(__file__).with_name("maker.py")


def test_the_file_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    first, second = signing_keys(settings), signing_keys(settings)
    assert isinstance(first, KeyRing)
    assert isinstance(second, KeyRing)
    assert first.text == second.text
    assert settings.keys_path == tmp_path / "home" / "signing.keys"
    assert settings.keys_path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in settings.home.iterdir()] == ["signing.keys"]


def test_each_folder_has_keys_of_its_own(tmp_path: Path) -> None:
    one, other = keys_in(tmp_path / "one"), keys_in(tmp_path / "other")
    assert repr(one) != repr(other)


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    path = tmp_path / "home" / "signing.keys"
    makers = [
        subprocess.Popen(
            [sys.executable, str(MAKER), str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for maker in makers:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "ready\n"
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.close()  # they are off
        maker.stdin = None
    printed = {maker.communicate(timeout=60)[0].strip() for maker in makers}
    assert printed == {path.read_text(encoding="utf-8").strip()}


def test_who_comes_second_takes_the_first_one_s_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "signing.keys"
    theirs = KeyRing.fresh()
    link = os.link

    def too_late(draft: Path, place: Path) -> None:
        place.write_text(theirs.text, encoding="utf-8")
        place.chmod(0o600)
        link(draft, place)

    monkeypatch.setattr(os, "link", too_late)
    assert keys_in(path).text == theirs.text
    assert list(tmp_path.iterdir()) == [path]


def test_keys_are_rotated_by_a_line_before_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "signing.keys"
    old = keys_in(path)
    new = KeyRing.fresh()
    path.write_text(f"{new.text}\n{old.text}\n", encoding="utf-8")
    assert keys_in(path).text == f"{new.text},{old.text}"


def test_a_file_that_others_may_read_is_complained_about(tmp_path: Path) -> None:
    path = tmp_path / "signing.keys"
    with capture_logs() as quiet:
        keys_in(path)
    path.chmod(0o644)
    with capture_logs() as logs:
        keys_in(path)
    assert quiet == []
    assert [(line["event"], line["mend"]) for line in logs] == [
        ("others may read the signing keys", f"chmod 600 {path}")
    ]


@pytest.mark.parametrize("content", ["", "nothing that is a key", "\udcff"])
def test_a_broken_file_is_named_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "signing.keys"
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    path.chmod(0o600)
    before = path.read_bytes()
    with pytest.raises(SagentsError, match=r"signing\.keys.*SAGENTS_SIGNING_KEYS gives keys without a file"):
        keys_in(path)
    assert path.read_bytes() == before


def test_a_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(SagentsError, match=r"out of reach.*SAGENTS_SIGNING_KEYS"):
        keys_in(tmp_path / "home" / "signing.keys")
