"""List the requirement ids that no test cites.

A test cites an id by naming it anywhere in its file; a line in docs/differences.md cites it too, and there
a range (B-37…B-44) counts for all ids in it. In a test a range counts for its ends only: it would claim too much.
"""

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENT = re.compile(r"^- ([LTBEK]-\d+): (.+)$", re.MULTILINE)
CITED = re.compile(r"\b([LTBEK])-(\d+)(?:(?:…|\.{2,3}|–)(?:\1-)?(\d+))?")


def citations(text: str, *, ranges: bool) -> set[str]:
    """The ids that a text names; with `ranges`, those between the ends of a range too."""
    found = set()
    for family, first, last in CITED.findall(text):
        ends = [int(first), int(last or first)]
        numbers = range(ends[0], ends[1] + 1) if ranges else ends
        found |= {f"{family}-{number}" for number in numbers}
    return found


def titles(root: Path) -> dict[str, str]:
    return dict(REQUIREMENT.findall((root / "docs/requirements.md").read_text(encoding="utf-8")))


def cited(root: Path) -> set[str]:
    found = set()
    for test in (root / "tests").rglob("*.py"):
        found |= citations(test.read_text(encoding="utf-8"), ranges=False)
    differences = root / "docs/differences.md"
    if differences.exists():
        found |= citations(differences.read_text(encoding="utf-8"), ranges=True)
    return found


def asked(words: Iterable[str], known: dict[str, str]) -> list[str]:
    """The ids to look at, in their order in docs/requirements.md: those that the words name, or all."""
    wanted = citations(" ".join(words), ranges=True) or set(known)
    return [name for name in known if name in wanted]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", help="ids or ranges to look at (T-1..T-22 B-6); all when none is given")
    words = parser.parse_args().ids
    known = titles(ROOT)
    looked_at = asked(words, known)
    done = cited(ROOT)
    missing = [name for name in looked_at if name not in done]
    for name in missing:
        print(f"{name:6} {known[name]}")
    print(f"{len(looked_at)} ids, {len(missing)} of them cited by no test.", file=sys.stderr)
    return 1 if words and missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
