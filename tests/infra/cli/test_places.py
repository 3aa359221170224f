"""Where the application and the dev server are found."""

import os
from pathlib import Path

import pytest

from sagents import AppNotFound, SagentsError
from sagents_infra.cli import places

ONE = "from sagents import Sagents\nshop = Sagents()\n"


@pytest.mark.parametrize("name", ["app", "agents", "main"])
def test_an_app_is_found_in_the_usual_modules_whatever_it_is_called(home: Path, name: str) -> None:
    (home / f"{name}.py").write_text(ONE)
    assert places.find_app("")[0] == f"{name}:shop"


def test_what_is_named_wins(home: Path) -> None:
    (home / "app.py").write_text(ONE)
    (home / "other_shop.py").write_text(ONE)
    assert places.find_app("other_shop:shop")[0] == "other_shop:shop"


def test_two_apps_in_a_module_have_to_be_told_apart(home: Path) -> None:
    (home / "app.py").write_text(f"{ONE}second = Sagents()\n")
    with pytest.raises(AppNotFound, match="app:shop, app:second"):
        places.find_app("")


def test_a_module_that_has_nothing_to_do_with_it_is_passed_over(home: Path) -> None:
    (home / "app.py").write_text("raise SystemExit('not yours')")
    (home / "main.py").write_text(ONE)
    assert places.find_app("")[0] == "main:shop"


def test_a_second_dev_server_on_the_same_files_is_refused(home: Path) -> None:
    with places.only_one(home):
        places.announce(home, "127.0.0.1:7777", "http://127.0.0.1:8777")
        with pytest.raises(SagentsError, match=r"already \(process \d+, Temporal at 127.0.0.1:7777"):
            places.only_one(home).__enter__()
    with places.only_one(home):
        pass


def test_commands_find_the_dev_server_of_their_folder(home: Path) -> None:
    with places.only_one(home):
        places.announce(home, "127.0.0.1:7777", "http://127.0.0.1:8777")
        places.use_dev_server(home)
        assert os.environ["TEMPORAL_ADDRESS"] == "127.0.0.1:7777"


def test_who_names_a_temporal_means_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "cloud:7233")
    with places.only_one(home):
        places.announce(home, "127.0.0.1:7777", "http://127.0.0.1:8777")
        places.use_dev_server(home)
    assert os.environ["TEMPORAL_ADDRESS"] == "cloud:7233"


def test_a_dev_server_that_is_gone_is_not_looked_for(home: Path) -> None:
    places.announce(home, "127.0.0.1:7777", "http://127.0.0.1:8777")
    places.use_dev_server(home)
    assert "TEMPORAL_ADDRESS" not in os.environ
