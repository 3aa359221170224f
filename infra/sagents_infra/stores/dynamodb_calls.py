"""Calls of DynamoDB: what its errors mean, and what to do when others are faster."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from sagents.errors import Damaged, StoreUnavailable

T = TypeVar("T")

AT_LEAST = 2
"""Times that a call is tried anew, however long the tries take."""
OTHERS = {"ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "None"}
"""Why a transaction was cancelled when it is right to read anew and try again. It has written nothing."""
OURS = {"ValidationError", "ValidationException"}
"""Mistakes of ours, which waiting does not mend."""


class Raced(Exception):
    """Others were faster, or too many at once; nothing was written."""


class Torn(Raced):
    """A part of a text is missing: it was replaced while it was read, or it is lost."""


class Calls:
    """Blocking calls of a boto3 client about one table. Raises `StoreUnavailable` for all that can be mended."""

    def __init__(self, client: Any, name: str, patience: timedelta) -> None:
        self.client, self.name, self._patience = client, name, patience

    def settled(self, work: Callable[[], T]) -> T:
        """Do `work` anew as long as others are faster, within bounds. It has to read all that it decides by."""
        until = time.monotonic() + self._patience.total_seconds()
        for attempt in count():
            try:
                return work()
            except Raced as raced:
                if attempt >= AT_LEAST and time.monotonic() > until:
                    raise self._gave_up(raced) from raced
                _wait(attempt)
        raise AssertionError

    def until_done(self, call: str, left: str, request: Any) -> Iterator[dict[str, Any]]:
        """Answers to a request of many rows, of which DynamoDB may do some only, and say which are left."""
        until = time.monotonic() + self._patience.total_seconds()
        for attempt in count():
            answer = self.call(call, RequestItems={self.name: request})
            yield answer
            request = answer.get(left, {}).get(self.name)
            if not request:
                return
            if time.monotonic() > until:
                raise StoreUnavailable(f"DynamoDB table {self.name!r} is asked for more than its capacity.")
            _wait(attempt)

    def call(self, name: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, name)(**arguments)
        except ParamValidationError:
            raise
        except ClientError as error:
            reasons = _reasons(error)
            if reasons <= OTHERS:
                raise Raced(str(error)) from error
            if reasons & OURS:
                raise
            raise self._unavailable(error) from error
        except BotoCoreError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        where = f"DynamoDB table {self.name!r} at {self.client.meta.endpoint_url}"
        return StoreUnavailable(f"{where} is out of reach: {error}. Look at its name, its region and your rights.")

    def _gave_up(self, raced: Raced) -> Exception:
        if isinstance(raced, Torn):
            return Damaged(str(raced))
        return StoreUnavailable(
            f"DynamoDB table {self.name!r}: others were always faster, or it has too little capacity: {raced}"
        )


def _wait(attempt: int) -> None:
    """Longer each time, and not as long as the others who wait."""
    time.sleep(random.uniform(0, min(0.2, 0.01 * 2 ** min(attempt, 10))))


def _reasons(error: ClientError) -> set[str]:
    """Why a transaction was cancelled, or the error's own name."""
    reasons = {str(reason.get("Code", "None")) for reason in error.response.get("CancellationReasons", ())}
    return reasons or {str(error.response.get("Error", {}).get("Code", ""))}
