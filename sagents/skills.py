"""Skills: files that tell an agent how to do a kind of work, with a name and a description at their head."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta

from sagents.clipping import clipped
from sagents.errors import FileProblem
from sagents.files import FileEntry, Files
from sagents.frozen import Frozen

MAX_SKILLS, MAX_BYTES, MAX_NAME, MAX_DESCRIPTION = 100, 256 * 1024, 64, 500
MOMENT = timedelta(seconds=2)
"""As finely as storages tell when a file was written: one that is younger may be another by now."""

REMEMBERED = 1_000
_known: OrderedDict[tuple[str, str, int, datetime], Skill | None] = OrderedDict()
"""What the heads of files say. Agents are made anew for each step, so that none of them could remember it."""

_HEAD = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"(\w[\w-]*):(?:\s+(.*))?")
_BLOCKS = ("|", ">", "|-", ">-", "|+", ">+")


class Skill(Frozen):
    """A skill as a list shows it."""

    name: str
    description: str
    path: str


async def skills_in(files: Files, folder: str) -> dict[str, Skill]:
    """The skills of a folder by name: its `*.md` and the `SKILL.md` of each folder in it. Of two of a name the first.

    Only files that are new or have changed are read. Raises `FileProblem` where the agent has no such scope.
    """
    entries = [entry for entry in await files.list(f"{folder}/") if _own_name(folder, entry.path)]
    found = await asyncio.gather(*(_read(files, folder, entry) for entry in entries[:MAX_SKILLS]))
    skills: dict[str, Skill] = {}
    for skill in found:
        if skill is not None:
            skills.setdefault(skill.name, skill)
    return skills


def parts_of(text: str) -> tuple[dict[str, str], str]:
    """What is said between the lines `---` at the beginning, and the text after them."""
    head = _HEAD.match(text)
    return (_fields(head[1]), text[head.end() :]) if head else ({}, text)


async def _read(files: Files, folder: str, entry: FileEntry) -> Skill | None:
    key = (files.scope.key, entry.path, entry.size, entry.modified_at)
    if key in _known:
        _known.move_to_end(key)
        return _known[key]
    try:
        text = (await files.read(entry.path)).text if entry.size <= MAX_BYTES else None
    except FileProblem:  # it went away meanwhile, or is no text
        return None
    skill = None if text is None else _skill(folder, entry.path, parts_of(text)[0])
    if files.now() - entry.modified_at > MOMENT:
        _known[key] = skill
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)
    return skill


def _skill(folder: str, path: str, fields: Mapping[str, str]) -> Skill:
    name = fields.get("name") or _own_name(folder, path)
    return Skill(
        name=_line(name, MAX_NAME), description=_line(fields.get("description", ""), MAX_DESCRIPTION), path=path
    )


def _own_name(folder: str, path: str) -> str:
    """What a file is called where it does not say; empty for one that is no skill."""
    within = path.removeprefix(f"{folder}/")
    if within.count("/") == 1 and within.endswith("/SKILL.md"):
        return within.removesuffix("/SKILL.md")
    return within.removesuffix(".md") if "/" not in within and within.endswith(".md") else ""


def _fields(head: str) -> dict[str, str]:
    """`name: text` by line; lines that are set in belong to the one above."""
    fields: dict[str, str] = {}
    last = ""
    for line in head.splitlines():
        if line[:1].isspace():
            if last:
                fields[last] = f"{fields[last]} {line.strip()}".strip()
        elif field := _FIELD.fullmatch(line):
            last, value = field[1], (field[2] or "").strip()
            fields[last] = "" if value in _BLOCKS else value
    return {name: _unquoted(value) for name, value in fields.items()}


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _line(text: str, length: int) -> str:
    return clipped(" ".join(text.split()), length)
