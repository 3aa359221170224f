"""People's decisions on their way in: reviewed where that takes code or keys, judged, and taken as a note."""

from temporalio import workflow
from temporalio.exceptions import FailureError

from sagents_workflows import gate
from sagents_workflows.life import Life, words_of

with workflow.unsafe.imports_passed_through():
    from sagents.commands import Resume
    from sagents.contract import DecisionAnswer
    from sagents.deciding import after, bound, judged
    from sagents.decisions import Edit, Respond
    from sagents.errors import DECISION_ERRORS, CannotResume, InvalidDecision
    from sagents.head import Head
    from sagents.interrupts import Interrupt
    from sagents.principal import Who
    from sagents.reviews import Refusal, ReviewRequest
    from sagents.status import Status


def is_plain(command: Resume) -> bool:
    """Whether no activity has to look at it, whatever it is about."""
    answers = (answering.decision for answering in command.decisions)
    return command.attestation is None and not any(isinstance(answer, Edit | Respond) for answer in answers)


def _needs_code(head: Head, command: Resume) -> bool:
    """Whether an activity has to look at it: a signature, new arguments, a value that has to fit a schema."""
    if command.attestation is not None or any(isinstance(one.decision, Edit) for one in command.decisions):
        return True
    return any(interrupt.response_schema is not None for interrupt in _meant(head, command))


def goes_on(life: Life, command: Resume) -> bool:
    """Whether it continues a pause and decides nothing."""
    return not command.decisions and life.head.status is Status.PAUSED


def check(life: Life, command: Resume) -> tuple[DecisionAnswer, ...]:
    """Where each interrupt would stand. Raises `CannotResume`. Who decides is what they say: nobody has checked it."""
    if goes_on(life, command):
        return ()
    return tuple(one.answer for one in judged(_soon(life), _claimed(command), workflow.now()))


async def decide(life: Life, command: Resume) -> tuple[DecisionAnswer, ...]:
    """Take a decision, once the agent is awake. Raises `CannotResume`, and then nothing has changed.

    It is judged as things stand after the decisions that already wait: so of two at once, one is the first.
    """
    life.answering = True
    life.reviewed.append(command)
    try:
        await workflow.wait_condition(lambda: life.awake)
        return await _taken(life, command)
    finally:
        life.reviewed.remove(command)
        life.mail.count()  # clocks that stood still go on


async def _taken(life: Life, command: Resume) -> tuple[DecisionAnswer, ...]:
    if goes_on(life, command):
        life.note(command)
        return ()
    check(life, command)
    command = bound(_soon(life), command).but(who=Who(at=workflow.now()))
    if _needs_code(life.head, command):
        command = await _reviewed(life, command)
    found = judged(_soon(life), command, workflow.now())
    if any(one.decided for one in found):
        life.note(command)
    return tuple(one.answer for one in found)


async def _reviewed(life: Life, command: Resume) -> Resume:
    head = life.head
    request = ReviewRequest(
        agent=head.agent,
        run_id=head.run.spec.id if head.run else "",
        record=head.run.record if head.run else "",
        interrupts=_meant(head, command),
        decisions=command.decisions,
        attestation=command.attestation,
    )
    try:
        reviewed = await gate.review(request)
    except FailureError as error:
        why = f"The decision could not be checked, try again: {words_of(error)}"
        raise CannotResume(head.agent.agent_id, str(head.status), why) from None
    if reviewed.refusal is not None:
        raise _refusal(head, reviewed.refusal)
    who = reviewed.who or Who()
    return command.but(who=who.but(at=who.at or workflow.now()))


def _refusal(head: Head, refusal: Refusal) -> CannotResume:
    kind = DECISION_ERRORS.get(refusal.type, InvalidDecision)
    return kind(head.agent.agent_id, str(head.status), refusal.message, refusal.interrupt_id, refusal.pointer)


def _meant(head: Head, command: Resume) -> tuple[Interrupt, ...]:
    named = {answering.interrupt_id for answering in command.decisions}
    return tuple(one for one in head.open_interrupts if named == {None} or one.id in named)


def _soon(life: Life) -> Head:
    """The head once the decisions are made that were taken and wait for the loop."""
    waiting = tuple(note for note in life.mail.waiting if isinstance(note, Resume))
    return after(life.head, waiting, workflow.now())


def _claimed(command: Resume) -> Resume:
    word = command.attestation
    if word is None:
        return command
    person = word.principal
    who = Who(subject=person.subject, groups=person.groups, tenant=person.tenant, channel=word.channel, at=word.at)
    return command.but(who=who)
