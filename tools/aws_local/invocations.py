"""How often functions were invoked: what the emulator writes into a function's log when an invocation has ended."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tools.aws_local.stack import Stack
from tools.aws_local.working import wait

REPORT = re.compile(r"^REPORT RequestId: \S+\s+Duration: (\d+) ms")
LEFT_FOR = 5.0
"""Seconds in which an invocation that is under way ends; nobody tells of it before."""


@dataclass(frozen=True)
class Invocations:
    """Of one function, which is named as the template names its log group."""

    stack: Stack
    logs: str

    def between(self, first: float, last: float) -> int:
        """How many began between two moments of `time.time`. One that has not ended is not among them yet."""
        return sum(first <= began <= last for began, _ in self._all())

    def wait_until_left(self, since: float, patience: float = 120) -> None:
        """Until one that began after `since` has ended, and none has for some seconds."""
        asked = time.time()

        def have_left() -> bool:
            ends = [ended for began, ended in self._all() if began >= since]
            return bool(ends) and time.time() > max(asked, *ends) + LEFT_FOR

        wait(have_left, f"an invocation that ends ({self.logs})", patience)

    def _all(self) -> Iterator[tuple[float, float]]:
        """When each began and ended, in seconds."""
        pages = self.stack.cloud.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=self.stack.named(self.logs), filterPattern="REPORT"):
            for event in page["events"]:
                if report := REPORT.match(event["message"]):
                    ended = event["timestamp"] / 1000
                    yield ended - int(report[1]) / 1000, ended
