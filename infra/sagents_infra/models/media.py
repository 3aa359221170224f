"""Images and files, ours and Pydantic AI's, by value (base64) and by address."""

import base64
import binascii
import mimetypes

from pydantic_ai.messages import AudioUrl, BinaryContent, DocumentUrl, ImageUrl, UserContent, VideoUrl

from sagents.messages import ContentPart, PartType

_SIGNATURES = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"%PDF", "application/pdf"),
)
_URLS = {"image": ImageUrl, "audio": AudioUrl, "video": VideoUrl}


def to_wire(part: ContentPart) -> UserContent:
    """An image or file for a provider. What cannot be decoded becomes a note: one bad upload must not end the talk."""
    try:
        if part.content.startswith("data:"):
            return BinaryContent.from_data_uri(part.content)
        if part.type in (PartType.IMAGE, PartType.FILE):
            data = base64.b64decode(part.content, validate=True)
            return BinaryContent.narrow_type(BinaryContent(data, media_type=_media_type(part, data)))
    except (ValueError, binascii.Error):
        return f"[{part.type.value}: not readable]"
    media_type = _media_type(part)
    kind = _URLS.get(media_type.partition("/")[0], DocumentUrl)
    url: UserContent = kind(part.content, media_type=media_type)
    return url


def from_wire(content: BinaryContent) -> ContentPart:
    """An image or file that a model made."""
    return ContentPart(
        type=PartType.IMAGE if content.is_image else PartType.FILE,
        content=content.base64,
        options={"media_type": content.media_type},
    )


def _media_type(part: ContentPart, data: bytes = b"") -> str:
    """What the part says, what its bytes or its name say, or the likeliest of its type."""
    if isinstance(said := part.options.get("media_type"), str) and said:
        return said
    for signature, media_type in _SIGNATURES:
        if data.startswith(signature):
            return media_type
    name = part.options.get("filename") or ("" if data else part.content.partition("?")[0])
    guessed, _ = mimetypes.guess_type(str(name))
    if guessed:
        return guessed
    return "image/png" if part.type in (PartType.IMAGE, PartType.IMAGE_URL) else "application/octet-stream"
