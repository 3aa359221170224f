"""`docs/http.md` names every route with its scope, every type of problem and every setting."""

import re
from pathlib import Path

from sagents_infra.http import problems
from sagents_infra.http.options import HttpOptions
from sagents_infra.http.problems import PROBLEMS, Kind
from sagents_infra.http.table import ADDRESSES

PAGE = (Path(__file__).resolve().parents[3] / "docs/http.md").read_text(encoding="utf-8")


def test_the_page_has_every_route_with_its_scope() -> None:
    shown = {
        (method, path): scope or None
        for method, path, scope in re.findall(r"^\| `([A-Z]+) (/\S*)` \|.*\| (?:`(\S+)`)? ?\|$", PAGE, re.MULTILINE)
    }
    assert shown == {(route.method, route.path): route.scope for route in ADDRESSES}


def test_the_page_has_every_type_of_problem_under_its_status() -> None:
    shown = {
        (int(status), slug)
        for status, slugs in re.findall(r"^\| (\d{3}) \| (.*?) \|", PAGE, re.MULTILINE)
        for slug in re.findall(r"`(\S+?)`", slugs)
    }
    kinds = (one for one in (*vars(problems).values(), *PROBLEMS.values()) if isinstance(one, Kind))
    assert shown == {(kind.status, kind.slug) for kind in kinds}


def test_the_page_has_every_setting_with_its_default() -> None:
    for name, setting in HttpOptions.model_fields.items():
        row = re.search(rf"^\| `SAGENTS_HTTP_{name.upper()}` \| (.*?) ?\|", PAGE, re.MULTILINE)
        assert row, name
        default = "2 MiB" if name == "max_body_bytes" else setting.default
        assert row[1] == (f"{default:g}" if isinstance(default, float) else str(default)), name
