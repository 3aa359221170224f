"""A conversation on a terminal. Ctrl-C ends a run, Ctrl-D the chat; the agent stays where it is."""

import asyncio
import sys
from contextlib import suppress
from uuid import uuid4

import typer

from sagents import Decision, Event, InvalidInput, Status
from sagents.client import AgentServer, Session
from sagents.commands import Answering
from sagents.errors import CannotCancel, SagentsError
from sagents.interrupts import Interrupt
from sagents.principal import Principal, Who
from sagents_infra.cli.answers import FORMS, decision
from sagents_infra.cli.drawing import Screen
from sagents_infra.cli.failing import FAILED, complain
from sagents_infra.cli.following import Follower
from sagents_infra.cli.hints import explained
from sagents_infra.cli.identity import CHANNEL
from sagents_infra.cli.output import console, show
from sagents_infra.cli.questions import questions
from sagents_infra.cli.reaching import connect


def chat(name: str, conversation: str | None, person: Principal | None, as_json: bool) -> None:
    """Talk to an agent until Ctrl-D. Messages are the person's, and so are the decisions."""
    with asyncio.Runner() as runner:
        server = runner.run(connect())
        try:
            session = runner.run(server.start(name, conversation_id=conversation or uuid4().hex[:8]))
            status = Chat(runner, server, session, person, as_json).talk()
        finally:
            server.close()
    if not sys.stdin.isatty() and status in (Status.ERROR, Status.INTERRUPTED):
        raise typer.Exit(FAILED)  # a script wants to know


class Chat:
    """Lines are read while the loop rests, so that editing and Ctrl-C are the terminal's own."""

    def __init__(
        self, runner: asyncio.Runner, server: AgentServer, session: Session, person: Principal | None, as_json: bool
    ) -> None:
        self._runner, self._server, self._session, self._as_json = runner, server, session, as_json
        self._person = person
        self._screen = Screen(console())
        self._follower = Follower(server, session.agent_id, _print_json if as_json else self._screen.draw)

    def talk(self) -> Status:
        """Until the end of the input; what the agent does then."""
        self._greet()
        self._runner.run(self._follower.__aenter__())
        try:
            status = self._settle(self._runner.run(self._status()))
            while (text := self._read("you> ")) is not None:
                if text:
                    status = self._settle(self._runner.run(self._say(text)))
        finally:
            self._runner.run(self._follower.__aexit__(None, None, None))
        return status

    def _greet(self) -> None:
        session = self._session
        if self._as_json:
            show({"agent_id": session.agent_id, "conversation_id": session.conversation_id}, "", True)
            return
        self._screen.line(
            f"{session.agent_id} · Ctrl-C ends a run, Ctrl-D the chat · again: -c {session.conversation_id}"
        )
        if earlier := self._runner.run(self._follower.count()):
            self._screen.line(f"{earlier} messages so far; `sagents state {session.agent_id}` shows them")

    async def _status(self) -> Status:
        waiting = await self._server.interrupts(self._session.agent_id)  # waits until it is awake
        return Status.INTERRUPTED if waiting else await self._server.get_status(self._session.agent_id)

    def _settle(self, status: Status) -> Status:
        """Ask for decisions until nothing waits for one."""
        while status is Status.INTERRUPTED and (answers := self._decide()) is not None:
            status = self._runner.run(self._answer(answers))
        return status

    async def _say(self, text: str) -> Status:
        count = await self._follower.count()
        sender = self._person.subject if self._person else None
        await self._server.add_message(self._session.agent_id, text, sender=sender)
        return await self._rest(count)

    async def _answer(self, answers: list[Decision | Answering]) -> Status:
        count = await self._follower.count()
        try:
            await self._server.resume(self._session.agent_id, answers, principal=self._person, channel=CHANNEL)
        except SagentsError as error:
            about = getattr(error, "interrupt_id", "")
            complain(explained(error, self._session.agent_id, about, self._person is not None), self._as_json)
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
        """A decision on each interrupt that wants one from us; None where nobody is there to make it."""
        answers: list[Decision | Answering] = []
        me = Who(subject=self._person.subject if self._person else None)
        asked = self._runner.run(questions(self._server, self._session.agent_id))
        mine = [question for question in asked if not question.interrupt.votes_of(me)]
        if not mine:
            self._screen.line("waits for more people")
            return None
        for question in mine:
            self._screen.line(f"⏸ {question.text}", "yellow")
            if question.interrupt.problem:
                self._screen.line(f"  {question.interrupt.problem}", "yellow")
            given = self._read_decision(question.interrupt)
            if given is None:
                self._screen.line(f"left open; it waits for: {question.command}")
                return None
            answers.append(Answering(decision=given, interrupt_id=question.interrupt.id))
        return answers

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


def _print_json(event: Event) -> None:
    print(event.model_dump_json(), flush=True)
