"""What may be asked for replies: a model, or the name of one."""

from sagents.errors import InvalidAgent


def check_model(option: str, model: object) -> None:
    """Raises `InvalidAgent` unless it is a name or something that can be asked."""
    named = isinstance(model, str) and model.strip()
    if not named and not callable(getattr(model, "ask", None)):
        raise InvalidAgent(f'{option}: an agent needs a model, "anthropic:…" or an object with `ask`, not {model!r}.')
