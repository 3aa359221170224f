"""Stretches of time as people type and read them: `90m`, `2h`, `7d`."""

import re
from datetime import timedelta

from sagents import InvalidInput

UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
FORM = re.compile(r"(?:\d+[wdhms])+")


def span(text: str) -> timedelta:
    """The time that is meant by `90m` or `1d12h`."""
    if not FORM.fullmatch(text):
        raise InvalidInput(f"{text!r} is no time; write a number and a unit: 45s, 90m, 2h, 7d, 2w, 1d12h.")
    try:
        return sum((int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(\w)", text)), timedelta())
    except OverflowError:
        raise InvalidInput(f"{text!r} is longer than any calendar; write less.") from None


def words(time: timedelta) -> str:
    """The same in its largest unit and the one below it, rounded down: `2h`, `1d12h`; `0s` is the least."""
    time, parts = max(time, timedelta()), list[str]()
    for unit, length in UNITS.items():
        number, time = divmod(time, length)
        if number or parts:
            parts.append(f"{number}{unit}" if number else "")
    return "".join(parts[:2]) or "0s"
