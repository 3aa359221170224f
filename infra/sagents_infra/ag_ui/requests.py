"""What a client of AG-UI asks for: `RunAgentInput`, and the user's words in it as messages of ours."""

from collections.abc import Iterator, Sequence
from itertools import takewhile

from ag_ui.core import (
    AudioPart,
    DataSource,
    DocumentPart,
    FileSource,
    ImagePart,
    RunAgentInput,
    TextPart,
    UserMessage,
    VideoPart,
)
from pydantic import ValidationError

from sagents.contract import explain
from sagents.errors import InvalidInput
from sagents.messages import ContentPart, PartType

Media = ImagePart | AudioPart | VideoPart | DocumentPart


def read(body: bytes | str) -> RunAgentInput:
    """The request in the body of a POST. Raises `InvalidInput`: a door then answers 400, and no run begins."""
    try:
        return RunAgentInput.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInput(f"The body is no RunAgentInput: {explain(error)}") from None


def said(request: RunAgentInput) -> list[UserMessage]:
    """What the user said since anybody else spoke; all before is known. Doing it again is harmless: ids count once."""
    newest = takewhile(lambda message: isinstance(message, UserMessage), reversed(request.messages))
    return [message for message in newest if isinstance(message, UserMessage)][::-1]


def content_of(message: UserMessage) -> str | Sequence[ContentPart]:
    """A user's words, images and files. What only a provider could resolve is left out."""
    if isinstance(message.content, str):
        return message.content
    return [*_parts(message)]


def _parts(message: UserMessage) -> Iterator[ContentPart]:
    for part in message.content:
        if isinstance(part, TextPart):
            yield ContentPart(content=part.text)
        elif isinstance(part, Media) and not isinstance(part.source, FileSource):
            yield _media(part)


def _media(part: Media) -> ContentPart:
    source = part.source
    by_value, image = isinstance(source, DataSource), isinstance(part, ImagePart)
    kinds = (PartType.IMAGE, PartType.IMAGE_URL) if image else (PartType.FILE, PartType.FILE_URL)
    options = {"media_type": source.mime_type} if source.mime_type else {}
    return ContentPart(type=kinds[0] if by_value else kinds[1], content=source.value, options=options)
