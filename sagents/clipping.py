"""Texts of unknown length where only so much fits: refusals, errors that a head carries, what Temporal bounds."""

ENOUGH = 2_000
"""Characters in which anybody can say what is wrong."""


def clipped(text: str, length: int = ENOUGH) -> str:
    """The text, or its beginning with a sign that there was more."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
