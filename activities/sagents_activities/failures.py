"""Errors leave the activities here, translated once: what may be tried again, and what may not."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError
from temporalio.exceptions import ApplicationError, FailureError

from sagents.errors import SagentsError, StateUnavailable, StoreUnavailable, Superseded

RETRYABLE = (StoreUnavailable, StateUnavailable, Superseded)
"""A superseded writer asks Temporal again with its next attempt: it is the current one by then, or it is gone."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn our errors into failures that the kernel reads; unknown ones are bugs and are retried as such."""
    try:
        yield
    except FailureError:
        raise
    except RETRYABLE as error:
        raise ApplicationError(str(error), type=type(error).__name__) from error
    except (SagentsError, ValidationError, PydanticSerializationError) as error:
        raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from error
