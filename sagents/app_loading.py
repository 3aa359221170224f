"""Finding an application by `"module:attribute"`, as in `SAGENTS_APP=support:app`."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TypeVar

from sagents.errors import SagentsError

Kind = TypeVar("Kind")


class AppNotFound(SagentsError):
    """No application is where it was looked for."""


def load_attribute(spec: str, kind: type[Kind]) -> Kind:
    """The object of this kind that `spec` names. What a module raises while it is imported comes out as it is."""
    module_name, colon, attribute = spec.partition(":")
    if not (module_name and colon and attribute.isidentifier()) or "/" in module_name or module_name.endswith(".py"):
        raise AppNotFound(f"{spec!r} names no app: write module:attribute, as SAGENTS_APP=support:app for support.py.")
    module = _module(module_name, spec)
    found = getattr(module, attribute, None)
    if not isinstance(found, kind):
        raise AppNotFound(_not_there(module, attribute, kind))
    return found


def _module(name: str, spec: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not error.name or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there; one that it imports is not
        places = ", ".join(repr(place or ".") for place in sys.path)
        raise AppNotFound(
            f"No module {error.name!r} for {spec!r}; looked in {places}. Run it in the folder of the module."
        ) from None


def _not_there(module: ModuleType, attribute: str, kind: type[object]) -> str:
    there = [name for name, value in vars(module).items() if isinstance(value, kind)]
    is_else = f"is a {type(getattr(module, attribute)).__name__}" if hasattr(module, attribute) else "does not exist"
    hint = f"did you mean {module.__name__}:{there[0]}?" if there else f"write `{attribute} = {kind.__name__}()` there."
    return f"{module.__name__}:{attribute} {is_else} in {module.__file__}; {hint}"
