"""What stands on a page behind an approval link, whatever a model has written into the call."""

import json
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from sagents.interrupts import InterruptStatus
from sagents_infra.http.approval_form import decision_of, sent
from sagents_infra.http.approval_page import MOST, outcome_page, problem_page, waiting_page
from sagents_infra.http.approval_style import HEADERS, STYLE
from sagents_infra.http.html import element, in_json, plain, text
from sagents_infra.http.problems import Refusal
from sagents_infra.links.link import link_for
from sagents_infra.links.outcome import LinkOutcome
from tests.infra.links.questions import ALICE, NOW, question

HOSTILE: dict[str, Any] = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "closes": '"></dd></textarea></title><form action=https://evil.example>',
    "turned": "Pay \u202eecila\u202c\u2066 7\u2069",
    "hidden": "7\u200b0\u00ad0\u2800\u3164\U000e0041",
    "nul\x00\x1b[31m": ["\u202e<b>", {"\u2067k": "\ud800"}],
    "quote": "&lt;b&gt; ' \"",
}
ODD = "\u202e\u202c\u2066\u2067\u2069\u200b\u00ad\u2800\u3164\U000e0041\x00\x1b\ud800"


class Elements(HTMLParser):
    """The elements of a page, and the text of its fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._in = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._in = tag

    def handle_data(self, data: str) -> None:
        self.texts[self._in] = self.texts.get(self._in, "") + data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def page(arguments: dict[str, Any] | None = None, given: dict[str, str] | None = None, **terms: Any) -> str:
    item = question(arguments, **terms)
    return waiting_page(link_for(item, ALICE), item, given or {})


def test_hostile_arguments_are_text_and_nothing_else() -> None:
    written = page(HOSTILE, {"reason": HOSTILE["closes"]}, message=HOSTILE["closes"], risk=HOSTILE["script"])
    found = Elements(written)
    assert found.of("script") == found.of("img") == found.of("b") == []
    assert [form.get("action") for form in found.of("form")] == [None]
    assert not any(name.startswith("on") for _, attributes in found.found for name in attributes)
    assert not [letter for letter in ODD if letter in written]
    for name in ("U+202E", "U+2066", "U+200B", "U+00AD", "U+2800", "U+3164", "U+E0041", "U+0000", "U+001B"):
        assert name in written, name
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in written


def test_an_edit_begins_with_the_very_arguments_although_odd_letters_are_written_out() -> None:
    arguments = {name: value for name, value in HOSTILE.items() if not name.startswith("nul")}
    found = Elements(page(arguments))
    assert json.loads(found.texts["textarea"].strip()) == arguments
    assert json.loads(in_json('"\U000e0041"')) == "\U000e0041"


def test_letters_of_all_languages_stay_as_they_are() -> None:
    for words in ("Zürich, größer", "东京 7", "שלום", "مرحبا", "👍🏽 ❤️", "a\tb\nc"):
        assert unescape(text(words)) == words


def test_what_is_html_is_so_by_its_type_alone() -> None:
    assert element("p", "<b>", element("i", "&")) == "<p>&lt;b&gt;<i>&amp;</i></p>"
    assert element("input", value='"><b>', checked=False) == '<input value="&quot;&gt;&lt;b&gt;">'
    assert plain("a\u202eb\n") == "a[U+202E]b\n"


def test_a_page_has_what_people_decide_by() -> None:
    item = question(required_approvals=2)
    written = waiting_page(link_for(item, ALICE), item, {})
    for words in ("refund", "Refund 120.5 for order 7", "Risk: high", "order", "120.5", "alice", "dora", "desk"):
        assert words in written, words
    assert "0 of 2 people" in written
    assert f"{item.interrupt.expires_at:%Y-%m-%d %H:%M} UTC" in written


def test_only_decisions_that_are_allowed_are_offered_and_none_is_chosen() -> None:
    found = Elements(page(allowed_decisions=("reject", "respond")))
    offered = [field for field in found.of("input") if field.get("type") == "radio"]
    assert [field["value"] for field in offered] == ["reject", "respond"]
    assert not any("checked" in field for field in found.of("input"))
    assert all("required" in field for field in found.of("input") if field.get("type") in ("radio", "checkbox"))


def test_a_page_reads_well_without_eyes_and_mouse() -> None:
    for written in (page(), problem_page("This link has expired", "Ask."), outcome_page(LinkOutcome())):
        found = Elements(written)
        assert found.of("html") == [{"lang": "en"}]
        assert (len(found.of("main")), len(found.of("h1")), len(found.of("title"))) == (1, 1, 1)
        labels = {label["for"] for label in found.of("label")}
        fields = [*found.of("textarea"), *(one for one in found.of("input") if one.get("type") != "hidden")]
        assert {field["id"] for field in fields} == labels
        assert not any("tabindex" in attributes and attributes["tabindex"] != "-1" for _, attributes in found.found)
    assert len(Elements(page()).of("legend")) == 1


def test_what_is_wrong_is_said_first_and_has_the_focus() -> None:
    item = question()
    written = waiting_page(link_for(item, ALICE), item, {"type": "edit", "arguments": "{"}, "No JSON")
    found = Elements(written)
    [alert] = [attributes for _, attributes in found.found if attributes.get("role") == "alert"]
    assert "autofocus" in alert
    assert written.index("No JSON") < written.index("<h1>")
    assert "Not sent" in found.texts["title"]
    assert found.texts["textarea"].endswith("{")
    assert [one["value"] for one in found.of("input") if "checked" in one] == ["edit"]


def test_what_cannot_be_shown_whole_cannot_be_decided_here() -> None:
    found = Elements(page({"text": "x" * (MOST + 1)}))
    assert found.of("form") == []
    assert "too large" in found.texts["p"]


def test_pages_load_nothing_and_are_kept_nowhere() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert (HEADERS["Cache-Control"], HEADERS["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert not [tag for tag, _ in Elements(page()).found if tag in ("script", "link", "iframe", "a", "img")]


@pytest.mark.parametrize("status", list(InterruptStatus), ids=str)
def test_every_end_has_its_words(status: InterruptStatus) -> None:
    written = outcome_page(LinkOutcome(status=status, by="bob\u202e", at=NOW, decision="approve"))
    assert len(Elements(written).texts["h1"]) > 10
    assert "bob<span" in written


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "decision"),
    [
        ("type=approve&confirm=yes&reason=unused", {"type": "approve"}),
        ("type=reject&confirm=yes&reason=too+late%0D%0Anow", {"type": "reject", "reason": "too late\nnow"}),
        ("type=reject&confirm=yes&reason=", {"type": "reject"}),
        ('type=edit&confirm=yes&arguments={"a":[1]}', {"type": "edit", "arguments": {"a": [1]}}),
        ("type=respond&confirm=yes&content=7", {"type": "respond", "content": "7"}),
        ("type=respond&confirm=yes&content=7&answer=json", {"type": "respond", "content": 7}),
        ("type=respond&confirm=yes&content=in+May&answer=json", {"type": "respond", "content": "in May"}),
    ],
)
def test_a_form_is_read_as_the_decision_that_was_chosen(body: str, decision: dict[str, Any]) -> None:
    assert decision_of(sent(body, FORM), of_form=True) == decision


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("type=edit&confirm=yes&arguments={", FORM),
        ("type=edit&confirm=yes&arguments={%22a%22:NaN}", FORM),
        ("type=approve", FORM),
        ("type=approve&confirm=no", FORM),
        ("confirm=yes", FORM),
        ("type=%ff&confirm=yes", FORM),
        ('{"type": "approve", "confirm": "true"}', "application/json"),
        ('{"type": ["approve"], "confirm": true}', "application/json"),
        ("type=approve&confirm=yes", "text/plain"),
        ("type=approve&confirm=yes", ""),
    ],
)
def test_what_is_no_confirmed_decision_is_refused(body: str, kind: str) -> None:
    with pytest.raises(Refusal):
        decision_of(sent(body, kind), of_form=kind == FORM)
