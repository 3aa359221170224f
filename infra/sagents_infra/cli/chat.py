"""A conversation on a terminal. Ctrl-C ends a run, Ctrl-D the chat; the agent stays where it is."""

import asyncio
import sys
from contextlib import suppress
from uuid import uuid4

from sagents import Decision, Event, InvalidInput, State, Status
from sagents.client import AgentServer, Session
from sagents.commands import Answering
from sagents.errors import CannotCancel, SagentsError
from sagents.interrupts import Interrupt
from sagents.outcome import call_named
from sagents_infra.cli.answers import FORMS, decision
from sagents_infra.cli.drawing import Screen, call_text
from sagents_infra.cli.failing import complain
from sagents_infra.cli.following import Follower
from sagents_infra.cli.output import console, show
from sagents_infra.cli.reaching import connect


def chat(name: str, conversation: str | None, as_json: bool) -> None:
    """Talk to an agent until Ctrl-D."""
    with asyncio.Runner() as runner:
        server = runner.run(connect())
        try:
            session = runner.run(server.start(name, conversation_id=conversation or uuid4().hex[:8]))
            Chat(runner, server, session, as_json).talk(new=conversation is None)
        finally:
            server.close()


class Chat:
    """Lines are read while the loop rests, so that editing and Ctrl-C are the terminal's own."""

    def __init__(self, runner: asyncio.Runner, server: AgentServer, session: Session, as_json: bool) -> None:
        self._runner, self._server, self._session, self._as_json = runner, server, session, as_json
        self._screen = Screen(console())
        self._follower = Follower(server, session.agent_id, _print_json if as_json else self._screen.draw)

    def talk(self, *, new: bool) -> None:
        self._greet(new)
        self._runner.run(self._follower.__aenter__())
        try:
            if self._runner.run(self._server.get_status(self._session.agent_id)) is Status.INTERRUPTED:
                self._settle(Status.INTERRUPTED)
            while (text := self._read("you> ")) is not None:
                if text:
                    self._settle(self._runner.run(self._say(text)))
        finally:
            self._runner.run(self._follower.__aexit__(None, None, None))

    def _greet(self, new: bool) -> None:
        session = self._session
        if self._as_json:
            show({"agent_id": session.agent_id, "conversation_id": session.conversation_id}, "", True)
            return
        again = f" · again later: sagents chat -c {session.conversation_id}" if new else ""
        self._screen.line(f"{session.agent_id}{again} · Ctrl-C ends a run, Ctrl-D the chat")

    def _settle(self, status: Status) -> None:
        """Ask for decisions until nothing waits for one."""
        while status is Status.INTERRUPTED:
            answers = self._decide()
            if answers is None:
                return
            status = self._runner.run(self._answer(answers))

    async def _say(self, text: str) -> Status:
        count = await self._follower.count()
        await self._server.add_message(self._session.agent_id, text)
        return await self._rest(count)

    async def _answer(self, answers: list[Decision | Answering]) -> Status:
        count = await self._follower.count()
        try:
            await self._server.resume(self._session.agent_id, answers)
        except SagentsError as error:
            complain(error, self._as_json)
            return await self._server.get_status(self._session.agent_id)
        return await self._rest(count)

    async def _rest(self, count: int) -> Status:
        """Wait for the run's end; Ctrl-C cancels it. What the events left out is added."""
        task = asyncio.current_task()
        try:
            status = await self._follower.until_rest()
        except asyncio.CancelledError:
            if task:
                task.uncancel()
            status = await self._cancelled()
        self._screen.end()
        for message in await self._follower.replies_since(count):
            if message.text not in self._screen.said and not self._as_json:
                self._screen.console.print(message.text)
        self._screen.said.clear()
        await self._say_why(status)
        return status

    async def _cancelled(self) -> Status:
        with suppress(CannotCancel):  # it ended by itself just now
            await self._server.cancel(self._session.agent_id)
        self._screen.line("cancelled", "yellow")
        return await self._follower.until_rest()

    async def _say_why(self, status: Status) -> None:
        if status is not Status.ERROR or self._as_json:
            return
        info = await self._server.agent_info(self._session.agent_id)
        why = info.error.message if info and info.error else info.problem if info else None
        self._screen.line(f"the run failed: {why or 'the agent has left'}", "red")

    def _decide(self) -> list[Decision | Answering] | None:
        """A decision on each open interrupt; None where nobody is there to make it."""
        waiting, texts = self._runner.run(self._waiting())
        answers: list[Decision | Answering] = []
        for interrupt, text in zip(waiting, texts, strict=True):
            if interrupt.problem:
                self._screen.line(f"  {interrupt.problem}", "yellow")
            self._screen.line(f"⏸ {text}", "yellow")
            given = self._read_decision(interrupt)
            if given is None:
                self._screen.line(f"left open; answer it by: sagents resume {self._session.agent_id} approve")
                return None
            answers.append(Answering(decision=given, interrupt_id=interrupt.id))
        return answers

    async def _waiting(self) -> tuple[tuple[Interrupt, ...], list[str]]:
        waiting = await self._server.interrupts(self._session.agent_id)
        state = await self._server.get_state(self._session.agent_id)
        return waiting, [_question(interrupt, state) for interrupt in waiting]

    def _read_decision(self, interrupt: Interrupt) -> Decision | None:
        allowed = " · ".join(interrupt.allowed_decisions)
        while (text := self._read(f"{allowed}> ")) is not None:
            try:
                given = decision(text.split(maxsplit=1) if text else [])
            except InvalidInput as error:
                complain(error, self._as_json)
                continue
            if given.type in interrupt.allowed_decisions:
                return given
            complain(InvalidInput(f"{given.type} is not allowed here; {allowed} is. ({FORMS})"), self._as_json)
        return None

    def _read(self, prompt: str) -> str | None:
        """A line from the terminal; None at its end. Ctrl-C there ends the chat."""
        try:
            return input(prompt if sys.stdin.isatty() else "").strip()
        except EOFError:
            if sys.stdin.isatty():
                print()
            return None


def _question(interrupt: Interrupt, state: State) -> str:
    """What a person decides on: the call as it would run, else what is asked."""
    call = call_named(state, interrupt.tool_call_id)
    if call is not None and interrupt.is_gate:
        return call_text(call.name, call.arguments)
    return interrupt.message or interrupt.reason


def _print_json(event: Event) -> None:
    print(event.model_dump_json(), flush=True)
