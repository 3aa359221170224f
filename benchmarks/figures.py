"""What a benchmark found: figures with their bounds, and the table of them all."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a figure stands to its bound."""

    HOLDS = "holds"
    FAILS = "FAILS"
    SHOWN = ""


@dataclass(frozen=True)
class Figure:
    """One number. `most` is the bound that it must not exceed; without one it is only shown."""

    name: str
    value: float
    most: float | None = None
    unit: str = ""

    @property
    def verdict(self) -> Verdict:
        if self.most is None:
            return Verdict.SHOWN
        return Verdict.HOLDS if self.value <= self.most else Verdict.FAILS


@dataclass(frozen=True)
class Row:
    """A figure in the table, under the name of its benchmark."""

    benchmark: str
    figure: Figure

    @property
    def cells(self) -> tuple[str, ...]:
        figure = self.figure
        bound = "" if figure.most is None else f"≤ {_number(figure.most)}"
        return self.benchmark, figure.name, f"{_number(figure.value)} {figure.unit}".strip(), bound, figure.verdict


def table(rows: Iterable[Row]) -> str:
    """All rows as a Markdown table that reads well in a terminal too."""
    lines = [("benchmark", "figure", "measured", "bound", ""), *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    drawn = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join((drawn[0], rule, *drawn[1:]))


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}"
