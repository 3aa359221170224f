"""How much one caller may ask: a bucket of requests that fills again, in the memory of one process."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from sagents_infra.http.problems import TOO_MANY, Refusal

REMEMBERED = 10_000
"""Callers; whoever was longest away is forgotten, with a full bucket."""


class Buckets:
    """`rate` requests a second for each subject, `burst` of them at once. A rate of 0 lets everything through."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, subject: str) -> None:
        """Take one request out. Raises `Refusal`, which says when to come back, where none is left."""
        if self._rate <= 0:
            return
        with self._lock:
            now = self._clock()
            left, since = self._left.pop(subject, (float(self._burst), now))
            left = min(left + (now - since) * self._rate, float(self._burst))
            enough = left >= 1
            self._left[subject] = (left - 1 if enough else left, now)
            if len(self._left) > REMEMBERED:
                self._left.popitem(last=False)
        if not enough:
            wait = math.ceil((1 - left) / self._rate)
            words = f"{self._rate:g} requests a second are let through, {self._burst} at once."
            raise Refusal(TOO_MANY, words, {"Retry-After": str(wait)})
