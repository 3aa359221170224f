"""The mailbox: handlers put notes in, the loop takes them out at boundaries. What was answered once stays answered."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import TypeVar

from pydantic import JsonValue

from sagents.commands import Command, Execute, NewMessage, Note
from sagents.messages import ContentPart, Message

N = TypeVar("N", bound=Command)

ANSWERS = 2_000
"""How many ids are remembered: 24 KB in the head. Temporal's own dedup ends with each workflow run."""


class Mail:
    """Notes that wait, and the ids of those that were ever taken."""

    def __init__(self, waiting: Iterable[Note] = (), answers: Iterable[str] = (), notes: int = 0) -> None:
        self.waiting: list[Note] = list(waiting)
        self.notes = notes
        self._answers: dict[str, str] = {entry[:11]: entry[11:] for entry in answers}

    @property
    def answers(self) -> tuple[str, ...]:
        return tuple(key + answer for key, answer in self._answers.items())

    def put(self, note: Note) -> bool:
        """Take a note; False where one with its id was taken before."""
        note_id = getattr(note, "id", None)
        if note_id is not None and not self.remember(note_id):
            return False
        self.waiting.append(note)
        self.notes += 1
        return True

    def put_back(self, message: Message) -> None:
        """Queue the message of an export again, though it was answered before; one that still waits stays once."""
        if message.id is None or all(getattr(note, "id", None) != message.id for note in self.waiting):
            self.waiting.append(NewMessage(content=message.content or "", id=message.id))
            self.notes += 1

    def remember(self, note_id: str, answer: str = "+") -> bool:
        """Mark an id as answered; False where it was already."""
        key = _short(note_id)
        if key in self._answers:
            return False
        self._answers[key] = answer
        while len(self._answers) > ANSWERS:
            del self._answers[next(iter(self._answers))]
        return True

    def restore(self, waiting: Iterable[Note], answers: Iterable[str], notes: int) -> None:
        """Join what an earlier workflow run carried. Its answers win: notes that came meanwhile and are known go."""
        restored = Mail(waiting, answers, notes)
        for note in self.waiting:
            restored.put(note)
        self.waiting, self._answers = restored.waiting, restored._answers
        self.notes += notes

    def take(self, kind: type[N]) -> tuple[N, ...]:
        """All notes of a kind, taken out."""
        taken = tuple(note for note in self.waiting if isinstance(note, kind))
        self.waiting = [note for note in self.waiting if not isinstance(note, kind)]
        return taken

    def count(self) -> None:
        """Something came that leaves no note, a viewer for instance; who wants to leave has to look again."""
        self.notes += 1

    @property
    def is_only_machines(self) -> bool:
        """Whether every waiting message comes from a tool."""
        waiting = [note for note in self.waiting if isinstance(note, NewMessage)]
        return bool(waiting) and all(note.by == "tool" for note in waiting) and not self.has(Execute)

    def has(self, *kinds: type) -> bool:
        return any(isinstance(note, kinds) for note in self.waiting)

    @property
    def starts(self) -> int:
        """How many notes that start runs wait."""
        return sum(isinstance(note, NewMessage | Execute) for note in self.waiting)

    def starts_before(self, kind: type) -> int:
        """How many of them came before the first note of a kind; all of them where there is none."""
        first = next((n for n, note in enumerate(self.waiting) if isinstance(note, kind)), len(self.waiting))
        return sum(isinstance(note, NewMessage | Execute) for note in self.waiting[:first])

    @property
    def starts_run(self) -> bool:
        return self.starts > 0


def merged(notes: tuple[NewMessage, ...]) -> tuple[Message, ...]:
    """Several waiting messages are one user message with several parts; a single one is untouched (B-74)."""
    if len(notes) < 2:
        return tuple(note.message for note in notes)
    parts: list[ContentPart] = []
    for note in notes:
        parts += [ContentPart(content=note.content)] if isinstance(note.content, str) else note.content
    ids = [note.id for note in notes if note.id is not None]
    metadata: dict[str, JsonValue] = {"merged": [*ids]} if len(ids) > 1 else {}
    if _want_notes(notes):
        metadata["said"] = [_noted(note) for note in notes]
    return (Message.user(tuple(parts), id=ids[0] if ids else None, metadata=metadata),)


def _want_notes(notes: tuple[NewMessage, ...]) -> bool:
    """Whether what people see of each message cannot be told from the parts and the ids."""
    if all(note.id is None for note in notes) or any(note.display is not None for note in notes):
        return any(note.display is not None for note in notes)
    return any(note.id is None or not isinstance(note.content, str) for note in notes)


def _noted(note: NewMessage) -> dict[str, JsonValue]:
    """Which parts are of this message, and what people see of it."""
    parts = 1 if isinstance(note.content, str) else len(note.content)
    shown = {} if note.display is None else {"display": note.displayed}
    return {"parts": parts, **({"id": note.id} if note.id else {}), **shown}


def senders(notes: Iterable[NewMessage], before: tuple[str, ...]) -> tuple[str, ...]:
    """Whose messages these are, as far as a door has said so; each person once.

    A tool's message goes on with what was asked for `before`.
    """
    asked = [name for note in notes for name in (before if note.by == "tool" else (note.sender,))]
    return tuple(dict.fromkeys(name for name in asked if name is not None))


def pending(waiting: Iterable[Note]) -> Message | None:
    """All messages among the notes, as the one that they will be."""
    return next(iter(merged(tuple(note for note in waiting if isinstance(note, NewMessage)))), None)


def _short(note_id: str) -> str:
    """11 characters that stand for an id: 66 bits."""
    return urlsafe_b64encode(hashlib.sha256(note_id.encode()).digest()[:9])[:11].decode()
