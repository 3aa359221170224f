"""Kinds of values that are built when the first one is made: doors serve several requests at once, in threads."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from pydantic import create_model

from sagents.frozen import Frozen

AT_ONCE = 6


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def new_kind(depth: int = 8) -> type[Frozen]:
    """A kind that nobody has used yet, of several others."""
    kinds: list[Any] = [Frozen]
    for level in range(depth):
        inner: Any = tuple.__class_getitem__((kinds[-1], ...))
        kinds.append(create_model(f"Kind{level}", __base__=Frozen, text=(str, ""), inner=(inner, ())))
    kind: type[Frozen] = kinds[-1]
    return kind


@pytest.mark.usefixtures("restless")
def test_threads_that_are_the_first_to_use_a_kind_of_values_get_that_kind() -> None:
    """Pydantic before 2.14 built it for each of them, and one could meet the base's validator meanwhile."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in range(100):
            kind, together = new_kind(), Barrier(AT_ONCE)

            def use(number: int, kind: Any = kind, together: Barrier = together) -> Any:
                together.wait()
                if number % 3 == 0:
                    return kind.model_validate({"inner": [{"text": "x"}]})
                return kind(text="x") if number % 3 == 1 else kind.model_validate_json('{"text": "x"}')

            made = [*threads.map(use, range(AT_ONCE))]
            assert {type(one) for one in made} == {kind}
            assert {one.model_dump_json() for one in made} == {'{"inner":[{"text":"x"}]}', '{"text":"x"}'}
