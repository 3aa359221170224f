"""What makes the options of a budget valid. Each check raises `InvalidAgent` and says what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Literal, get_args

from sagents.errors import InvalidAgent
from sagents.spending import Price

Per = Literal["run", "conversation"]
AtLimit = Literal["ask", "fail"]


def is_amount(kind: str, value: Any) -> bool:
    """Whether a limit of this kind may be as high, or raised by so much."""
    kinds = (int, float) if kind == "money" else (int,)
    return isinstance(value, kinds) and not isinstance(value, bool) and isfinite(value) and value > 0


def checked_limits(given: Mapping[str, Any]) -> dict[str, float]:
    """The limits that are given."""
    limits = {kind: value for kind, value in given.items() if value is not None}
    for kind, value in limits.items():
        if not is_amount(kind, value):
            what = "a number" if kind == "money" else "a whole number"
            raise InvalidAgent(f"Budget: {kind} is {what} above zero, not {value!r}.")
    if not limits:
        raise InvalidAgent("Budget limits nothing; give it tokens, model_calls, tool_calls or money.")
    return limits


def checked_prices(prices: Any) -> dict[str, Price]:
    """The prices by model."""
    given = {} if prices is None else prices
    if not isinstance(given, Mapping) or not all(isinstance(name, str) and _is_pair(given[name]) for name in given):
        raise InvalidAgent(f'Budget: prices are as {{"anthropic:…": (3, 15)}}, of a million tokens, not {prices!r}.')
    return {name: (pair[0], pair[1]) for name, pair in given.items()}


def check_options(limits: Mapping[str, float], prices: Mapping[str, Price], per: str, at_limit: str) -> None:
    """What the options say together."""
    if ("money" in limits) != bool(prices):
        raise InvalidAgent("Budget: a limit on money needs prices, and prices are for nothing else.")
    if per not in get_args(Per):
        raise InvalidAgent(f'Budget: per is "run" or "conversation", not {per!r}.')
    if at_limit not in get_args(AtLimit):
        raise InvalidAgent(f'Budget: at_limit is "ask" or "fail", not {at_limit!r}.')


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(_is_price, value))


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0
