"""Write the list of events in docs/events.md anew: `python -m tools.events_doc`.

What is told of each type is its model's: the docstring, who tells it, whether it is kept. The examples are
in `tools/events_examples.json`; a test holds them to the models.
"""

import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sagents.event_types import EVENT_TYPES
from sagents.event_types_life import LIFE
from sagents.event_types_replies import REPLIES
from sagents.event_types_work import WORK, Approval
from sagents.events import EventData

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/events.md"
BLOCK = re.compile(r"(?<=<!-- events -->\n).*(?=<!-- end -->)", re.DOTALL)
EXAMPLES: Mapping[str, Any] = json.loads((Path(__file__).parent / "events_examples.json").read_text(encoding="utf-8"))
SUBJECTS = {
    "The model's replies and the calls they ask for": REPLIES,
    "The agent's life": LIFE,
    "What it works on": WORK,
}


def block() -> str:
    """Every event: when it is told, by whom, whether it is kept, and an example of its data."""
    sections = (f"## {subject}\n\n{''.join(map(entry, models))}" for subject, models in SUBJECTS.items())
    return "\n" + "".join(sections)


def entry(model: type[EventData]) -> str:
    kept = "live only, without an `id`" if model.live else "stored"
    told = inspect.getdoc(model) or ""
    example = json.dumps(EXAMPLES[model.type], indent=2, ensure_ascii=False)
    return f"### {_name(model)}\n\n{told}\n\nTold by {model.by}; {kept}.\n\n```json\n{_brief(example)}\n```\n\n"


def _name(model: type[EventData]) -> str:
    names = [type for type, one in EVENT_TYPES.items() if one is model]
    return " · ".join(f"`{name}`" for name in names) if model is Approval else f"`{model.type}`"


def _brief(example: str) -> str:
    """Innermost lists and objects on one line, where they fit."""
    return re.sub(r"[\[{][^\[\]{}]*[\]}]", _on_one_line, example)


def _on_one_line(found: re.Match[str]) -> str:
    line = (
        re.sub(r"\s*\n\s*", " ", found[0]).replace("{ ", "{").replace(" }", "}").replace("[ ", "[").replace(" ]", "]")
    )
    return line if len(line) <= 100 else found[0]


def main() -> None:
    PAGE.write_text(BLOCK.sub(lambda _: block(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
