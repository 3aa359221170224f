"""Two readings of what a user says: one for people, one for the model (B-110).

class Mentions:
    async def preprocess(self, scope, message, context):
        return Halves(display=message.text, llm=await expand(message.text, scope))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from pydantic import JsonValue

from sagents.app_loading import AppNotFound, load_attribute
from sagents.awaiting import MaybeAwaitable, called
from sagents.errors import InvalidInput, MessageRefused, PreprocessorFailed
from sagents.messages import ContentPart, Message

if TYPE_CHECKING:
    from sagents.state import State

Words = str | Message | Sequence[ContentPart]


@dataclass(frozen=True)
class Halves:
    """What people see of a message, and what the model reads. An empty text for `display` shows nothing."""

    display: Words
    llm: Words


async def _no_state() -> State:
    from sagents.state import State

    return State()


@dataclass(frozen=True, kw_only=True)
class PreprocessContext:
    """Which agent the message is for. `options` are those its factory gets (the reference's `tool_context`)."""

    agent_id: str
    conversation_id: str | None = None
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    read_state: Callable[[], Awaitable[State]] = field(default=_no_state, repr=False)

    async def state(self) -> State:
        """What the agent knows, read when asked for."""
        return await self.read_state()


class MessagePreprocessor(Protocol):
    """Looks at each message that a person sends through a door, before the agent hears of it."""

    def preprocess(
        self, scope: Mapping[str, JsonValue], message: Message, context: PreprocessContext, /
    ) -> MaybeAwaitable[Halves]:
        """The two halves; raises `MessageRefused` for what shall not be said. `scope` is the agent's own."""
        ...


Preprocess = Callable[[Mapping[str, JsonValue], Message, PreprocessContext], MaybeAwaitable[Halves]]


def preprocessor_at(spec: str) -> Preprocess | None:
    """The preprocessor that `"module:attribute"` names, a class or a function; None for an empty name."""
    if not spec:
        return None
    try:
        found = load_attribute(spec, object)
    except AppNotFound as error:
        raise AppNotFound(f"SAGENTS_PREPROCESSOR: {error}") from None
    made: Any = found() if isinstance(found, type) else found
    if not callable(getattr(made, "preprocess", made)):
        raise AppNotFound(f"SAGENTS_PREPROCESSOR: {spec!r} is no function and has no method `preprocess`.")
    return cast(Preprocess, getattr(made, "preprocess", made))


async def halves(
    preprocessor: MessagePreprocessor | Preprocess,
    scope: Mapping[str, JsonValue],
    message: Message,
    context: PreprocessContext,
) -> Halves:
    """What a preprocessor, an object or a plain function, makes of a message.

    Raises `MessageRefused` as it does, and `PreprocessorFailed` for whatever else it raises.
    """
    preprocess: Any = getattr(preprocessor, "preprocess", preprocessor)
    try:
        made: object = await called(preprocess, scope, message, context)
        if not isinstance(made, Halves):
            raise TypeError(f"it returned {type(made).__name__}, not Halves(display, llm)")
        for half in (made.display, made.llm):
            if not isinstance(half, str | Message | Sequence):
                raise TypeError(f"a half is {type(half).__name__}, not a text, a Message or parts")
    except InvalidInput as error:
        raise error if isinstance(error, MessageRefused) else MessageRefused(str(error)) from error
    except Exception as error:
        raise PreprocessorFailed(context.agent_id, error) from error
    return made
