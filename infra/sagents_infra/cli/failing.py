"""Errors on a terminal: one line that says what happened and what to do, and an exit code that scripts can trust."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

OK, FAILED, USAGE, NOT_FOUND, CANNOT_ANSWER = range(5)
INTERRUPTED = 130


@contextmanager
def failing(as_json: bool = False) -> Iterator[None]:
    """Turn our errors into a line and an exit code. What is no error of ours is a bug and keeps its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        raise typer.Exit(FAILED) from None  # whoever read has gone
    except Exception as error:
        code = exit_code(error)
        if code is None:
            raise
        complain(error, as_json)
        raise typer.Exit(code) from None


def exit_code(error: Exception) -> int | None:
    """The exit code of an error of ours; None for any other."""
    from sagents import AppNotFound, errors

    match error:
        case errors.AgentNotFound() | errors.AgentNotRegistered() | errors.InterruptUnknown():
            return NOT_FOUND
        case errors.CannotAnswer() | errors.StoreUnavailable() | errors.StateUnavailable():
            return CANNOT_ANSWER
        case errors.InvalidInput() | AppNotFound():
            return USAGE
        case errors.SagentsError():
            return int(getattr(error, "exit_code", FAILED))
        case _:
            return None


def complain(error: Exception, as_json: bool = False) -> None:
    """Say on stderr what happened."""
    if as_json:
        print(json.dumps({"error": problem_of(error)}, ensure_ascii=False), file=sys.stderr)
    else:
        print(f"sagents: {_words(error)}", file=sys.stderr)


def problem_of(error: Exception) -> dict[str, str]:
    """An error for programs; of a refused decision also which one and where in it."""
    more = {name: str(value) for name in ("interrupt_id", "pointer") if (value := getattr(error, name, ""))}
    return {"type": type(error).__name__, "message": str(error), **more}


def _words(error: Exception) -> str:
    """The message, with a command where it names a method."""
    return str(error).replace("`AgentServer.start`", "`sagents start`")
