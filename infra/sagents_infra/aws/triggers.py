"""Events become messages: the function for EventBridge, SQS, SNS, S3 and EventBridge Scheduler.

Each event is told to its agent once, however often AWS delivers it: its id is the message's.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any, Protocol
from uuid import uuid4

import structlog

from sagents.errors import InvalidInput
from sagents_infra import logs
from sagents_infra.aws.happenings import Happening, happenings
from sagents_infra.aws.rules import Letter, Rule, read_rules

log = structlog.get_logger()

Send = Callable[[Letter], Awaitable[None]]
Whose = Callable[[str], Awaitable[Mapping[str, Any] | None]]
"""The scope of an agent, by its id."""


class Server(Protocol):
    """Of an `AgentServer` what sending takes."""

    def start(self, name: str, *, conversation_id: str, scope: Mapping[str, str] | None) -> Awaitable[Any]: ...
    def add_message(self, agent_id: str, message: str, *, id: str) -> Awaitable[Any]: ...


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any] | None:
    """What Lambda calls. Of a batch of SQS only what failed comes again; of everything else, all of it."""
    office, rules = _desk()
    server = office.desk.server
    invocation = getattr(context, "aws_request_id", None) or uuid4().hex
    send = sender(server, office.desk.scope)
    answer: dict[str, Any] | None = office.run(deliver(event, invocation, rules, send))
    return answer


@cache
def _desk() -> tuple[Any, tuple[Rule, ...]]:
    """The connection of this process, and its rules; neither before the first event."""
    from sagents_infra.http.office import Office
    from sagents_infra.http.options import HttpOptions

    logs.configure()
    options = HttpOptions()
    rules = read_rules(os.environ.get("SAGENTS_TRIGGERS", "triggers.json"))
    return Office(_open, _reconnect, patience=options.patience, idle=options.idle), rules


async def _open() -> Any:
    from sagents_infra.aws.secrets import load_secrets
    from sagents_infra.wiring import open_outside

    load_secrets()
    return await open_outside()


async def _reconnect(settings: Any) -> Any:
    from sagents_infra.wiring import connect_temporal

    return await connect_temporal(settings)


def sender(server: Server, whose: Whose) -> Send:
    """Sends letters through a door. One that has an owner or a tenant goes to no agent of another one's."""

    async def send(letter: Letter) -> None:
        session = await server.start(letter.agent, conversation_id=letter.conversation, scope=letter.scope or None)
        if letter.scope and not session.started and not letter.is_for(await whose(session.agent_id) or {}):
            raise InvalidInput(f"Conversation {letter.conversation!r} belongs to somebody else than the event says.")
        await server.add_message(session.agent_id, letter.text, id=letter.id)

    return send


async def deliver(
    event: Mapping[str, Any], invocation: str, rules: Sequence[Rule], send: Send
) -> dict[str, Any] | None:
    """Send what an event says. Raises what hindered it; for SQS the answer has the messages that have to come again."""
    told = list(happenings(event, invocation))
    lanes = [list(lane) for _, lane in groupby(sorted(told, key=_lane), key=_lane)]
    failed = [late for lane in await asyncio.gather(*(_in_order(lane, rules, send) for lane in lanes)) for late in lane]
    if any(happening.source == "sqs" for happening in told):
        return {"batchItemFailures": [{"itemIdentifier": happening.id} for happening, _ in failed]}
    if failed:
        raise failed[0][1]
    return None


def _lane(happening: Happening) -> str:
    """What is done in order; everything else is done at once."""
    return f"group {happening.group}" if happening.group else f"id {happening.id}"


async def _in_order(lane: Sequence[Happening], rules: Sequence[Rule], send: Send) -> list[tuple[Happening, Exception]]:
    """The happenings of a lane that have to come again: the first that fails, and all after it."""
    for number, happening in enumerate(lane):
        try:
            await _deliver_one(happening, rules, send)
        except Exception as error:  # whatever it is, the others of its batch shall not come again for it
            log.warning("event not delivered", source=happening.source, event_id=happening.id, error=str(error))
            return [(late, error) for late in lane[number:]]
    return []


async def _deliver_one(happening: Happening, rules: Sequence[Rule], send: Send) -> None:
    rule = next((rule for rule in rules if rule.fits(happening)), None)
    if rule is None:
        log.info("event has no rule", source=happening.source, event_id=happening.id)
        return
    letter = rule.letter(happening)
    await send(letter)
    log.info("event delivered", source=happening.source, event_id=happening.id, message_id=letter.id)
