"""`python -m benchmarks [name…]`: all benchmarks or some, a table of their figures, an exit code that tells."""

import asyncio
import os
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module

from benchmarks.figures import Figure, Row, Verdict, table

NAMES = {
    "imports": "benchmarks.imports",
    "rounds": "benchmarks.rounds",
    "time": "benchmarks.times",
    "issue1890": "benchmarks.issue1890",
    "parked": "benchmarks.parked",
    "children": "benchmarks.children",
    "watchers": "benchmarks.watchers",
    "leaving": "benchmarks.leaving",
    "doors": "benchmarks.doors",
}


def main(wanted: Sequence[str]) -> int:
    if unknown := [name for name in wanted if name not in NAMES]:
        print(f"No benchmark is called {', '.join(unknown)}; there are {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    rows = [Row(name, figure) for name in wanted or NAMES for figure in measured(name)]
    print(f"\n{table(rows)}\n")
    bounded = [row.figure for row in rows if row.figure.most is not None]
    failed = [figure for figure in bounded if figure.verdict is Verdict.FAILS]
    print(f"{len(bounded) - len(failed)} of {len(bounded)} bounds hold.")
    return 1 if failed else 0


def measured(name: str) -> list[Figure]:
    """The figures of one benchmark; one that breaks does not keep the others from being measured."""
    print(f"-> {name}", flush=True)
    began = time.monotonic()
    try:
        figures: list[Figure] = asyncio.run(import_module(NAMES[name]).main())
    except Exception:
        traceback.print_exc()
        figures = [Figure("could not be measured, see above", 1, 0)]
    print(f"   {time.monotonic() - began:.0f} s", flush=True)
    return figures


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the interpreter's own end may die by a signal after a Temporal worker ran in it
