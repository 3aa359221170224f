"""How the tests of this folder ask models."""

from sagents.messages import Message
from sagents.ports import Delta, ModelRequest, ToolSpec
from sagents_infra.models import resolve

OPENAI_CHAT = "openai-chat:gpt-4.1"
OPENAI = "openai:gpt-5"
ANTHROPIC = "anthropic:claude-sonnet-5-5"
GOOGLE = "google:gemini-3.8-flash"
BEDROCK = "bedrock:us.amazon.nova-lite-v1:0"

ALL = (OPENAI_CHAT, OPENAI, ANTHROPIC, GOOGLE, BEDROCK)
# The server's text stream for Bedrock is one that botocore refuses; a stream of tool calls it reads.
TALKERS = (OPENAI_CHAT, OPENAI, ANTHROPIC, GOOGLE)


async def ask(
    name: str, *messages: Message | str, tools: tuple[ToolSpec, ...] = (), heard: list[Delta] | None = None
) -> Message:
    said = tuple(Message.user(message) if isinstance(message, str) else message for message in messages)
    request = ModelRequest(system_prompt="Be brief.", messages=said, tools=tools)
    return await resolve(name).ask(request, (heard if heard is not None else []).append)


def kept(message: Message) -> Message:
    """The message as it comes back from history or from the store."""
    return Message.model_validate_json(message.model_dump_json())
