"""HTML in which text stays text, and nobody is shown other letters than there are.

`element("p", words)` escapes the words, and names each letter that is not seen or that turns others around:
models write arguments, and whoever decides has to see what will run.
"""

import html
import unicodedata

FILLERS = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters by their category, which nobody sees."""

VOID = frozenset({"input", "meta"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *inside: str, **attributes: str | bool) -> Html:
    """An element. What is inside is text unless it is `Html`; `for_` is the attribute `for`, `a_b` is `a-b`."""
    written = "".join(_attribute(name, value) for name, value in attributes.items() if value is not False)
    if tag in VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{joined(*inside)}</{tag}>")


def joined(*parts: str) -> Html:
    """Parts beside each other."""
    return Html("".join(part if isinstance(part, Html) else text(part) for part in parts))


def text(given: str) -> Html:
    """A text as it is read, odd letters by their names."""
    return Html("".join(_named(letter) if is_odd(letter) else html.escape(letter) for letter in given))


def plain(given: str) -> str:
    """The same without elements, for titles and attributes."""
    return "".join(f"[U+{ord(letter):04X}]" if is_odd(letter) and letter != "\n" else letter for letter in given)


def typed(given: str) -> Html:
    """What stands in a field, to be sent back as it is."""
    return Html(html.escape(given))


def in_json(written: str) -> str:
    """JSON with its odd letters as escapes; it is the same value."""
    return "".join(_escape(letter) if is_odd(letter) else letter for letter in written)


def is_odd(letter: str) -> bool:
    """Whether it is not seen, or moves others: controls, marks of direction, joiners, fillers, halves."""
    if letter in "\n\t" or "\ufe00" <= letter <= "\ufe0f":  # variants of signs, as emoji have them
        return False
    return not letter.isprintable() or letter in FILLERS or "\U000e0000" <= letter <= "\U000e0fff"


def _named(letter: str) -> Html:
    name = unicodedata.name(letter, "CONTROL CHARACTER")
    return Html(f'<span class="odd" title="{html.escape(name)}">U+{ord(letter):04X}</span>')


def _escape(letter: str) -> str:
    code = ord(letter)
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _attribute(name: str, value: str | bool) -> str:
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(plain(str(value)))}"'
