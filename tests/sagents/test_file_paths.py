"""Which texts are paths (B-36, B-39), and which scopes agents have."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from sagents import FileRefused
from sagents.file_paths import checked, directory, mime_type
from sagents.scopes import Scope, quoted


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (None, "Path must be a string"),
        (7, "Path must be a string"),
        ("", "Path cannot be empty"),
        (" \n", "Path cannot be empty"),
        ("notes.txt", "Path must start with '/'"),
        ("\\notes.txt", "Path must start with '/'"),
        ("/../etc/passwd", r"traversal with '\.\.' is not allowed"),
        ("/a/..\\b", r"traversal with '\.\.'"),
        ("/a..b", r"traversal with '\.\.'"),
        ("~/notes.txt", "starting with '~' are not allowed"),
        ("/", "invalid segment ''"),
        ("/a/", "invalid segment ''"),
        ("/a/./b", r"invalid segment '\.'"),
        ("/a/ b", "invalid segment ' b'"),
        ("/a\0b", "invalid segment"),
        ("/a\nb", "invalid segment"),
        ("/\ud800", "cannot be encoded"),
        ("/" + "x" * 201, "more than 200 bytes"),
        ("/" + "ä" * 101, "more than 200 bytes"),
        ("/abcdefg" * 88, "longer than 700 bytes"),
    ],
)
def test_what_is_no_path_says_why(path: object, why: str) -> None:
    with pytest.raises(FileRefused, match=why):
        checked(path)


@pytest.mark.parametrize(
    ("path", "same"),
    [("/a//b///c", "/a/b/c"), ("/a\\b\\\\c", "/a/b/c"), ("/ä ö~.md", "/ä ö~.md"), ("/.hidden", "/.hidden")],
)
def test_a_path_has_one_spelling(path: str, same: str) -> None:
    assert checked(path) == same


@given(st.text(alphabet=st.sampled_from("/\\.~ab \n\0%"), max_size=12) | st.text(max_size=12))
def test_a_checked_path_stays_what_it_is_and_leads_nowhere_else(path: str) -> None:
    try:
        good = checked(path)
    except FileRefused:
        return
    assert checked(good) == good
    assert good.startswith("/")
    assert not {"", ".", ".."} & set(good.split("/")[1:])
    assert "\\" not in good
    assert "\0" not in good


def test_a_directory_may_end_with_a_slash() -> None:
    assert directory("/drafts/") == directory("/drafts") == "/drafts"
    for nothing in ("/", "", "//"):
        with pytest.raises(FileRefused):
            directory(nothing)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/a.md", "text/markdown"),
        ("/a", "text/markdown"),
        ("/a.unheard-of", "text/markdown"),
        ("/A.JSON", "application/json"),
        ("/a.yaml", "application/yaml"),
        ("/a.tar.png", "image/png"),
        ("/dir.png/a", "text/markdown"),
        ("/data:text,a.csv", "text/csv"),
    ],
)
def test_the_name_of_a_file_says_what_it_is(path: str, kind: str) -> None:
    """B-39."""
    assert mime_type(path) == kind


SCOPE: Mapping[str, JsonValue] = {"owner": "ann", "project": 7, "organization": "acme", "tenant": "t"}


def test_scopes_have_the_ids_that_the_agents_scope_gives_them() -> None:
    """B-37, L-53: files belong to a scope, not to an agent's process."""
    assert Scope.of("agent", "c-1", {}) == Scope(id="c-1")
    assert Scope.of("agent", "c-1", SCOPE) == Scope(id="c-1", tenant="t")
    assert Scope.of("user", "c-1", SCOPE) == Scope(name="user", id="ann", tenant="t")
    assert Scope.of("user", "c-1", {**SCOPE, "user": "bob"}).id == "bob"
    assert Scope.of("project", "c-1", SCOPE).key == "tenants/t/project/7"
    assert Scope.of("organization", "c-1", SCOPE).key == "tenants/t/organization/acme"


@pytest.mark.parametrize("scope", [{}, {"project": ""}, {"project": None}, {"project": True}, {"project": ["p"]}])
def test_a_scope_that_the_agent_does_not_have_says_how_to_give_it_one(scope: Mapping[str, JsonValue]) -> None:
    with pytest.raises(FileRefused, match="names no project: start it with 'project' in its scope"):
        Scope.of("project", "c-1", scope)


def test_a_tenant_that_is_no_id_shares_files_with_nobody() -> None:
    with pytest.raises(FileRefused, match="tenant"):
        Scope.of("agent", "c-1", {"tenant": ["t"]})


@given(st.text(), st.text())
def test_names_in_keys_differ_as_the_names_do_also_where_case_does_not_count(one: str, other: str) -> None:
    assert (quoted(one).casefold() == quoted(other).casefold()) == (one == other)
    assert quoted(one) not in ("", ".", "..")
    assert "/" not in quoted(one)
    assert len(quoted(one)) <= 120
