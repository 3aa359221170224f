"""Kills a worker everywhere in the day of an agent, once a day, and says what was lost: `make chaos`.

A seed decides which visit of a place is the last one, so that a failure can be repeated: --seed 7 --at tool.done:2.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from sagents_infra.dev_server import DevServer
from tests.support.errands import PLACES, Day


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="decides where exactly (1)")
    parser.add_argument("--rounds", type=int, default=1, help="days for each place (1)")
    parser.add_argument("--at", action="append", metavar="PLACE:N", help=f"only there; places: {', '.join(PLACES)}")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    drawn = [
        f"{place}:{draw.randint(1, visits)}" for _ in range(options.rounds) for place, (visits, _) in PLACES.items()
    ]
    return asyncio.run(kill_at(options.at or drawn))


async def kill_at(places: list[str]) -> int:
    """One day for each; 1 if anything was lost or repeated."""
    bad = 0
    with tempfile.TemporaryDirectory(prefix="sagents-chaos-") as folder:
        server = DevServer.start(Path(folder) / "temporal")
        try:
            for number, place in enumerate(places, 1):
                begun = time.monotonic()
                problems = await one_day(server.address, Path(folder) / str(number), place)
                bad += bool(problems)
                words = "; ".join(problems) or "nothing lost, nothing twice"
                what = PLACES[place.partition(":")[0]][1]
                took = time.monotonic() - begun
                print(f"{number:3}/{len(places)}  {place:16} killed {what}: {words}  ({took:.1f} s)", flush=True)
        finally:
            server.stop()
    print(f"{len(places) - bad} of {len(places)} days went well.")
    return 1 if bad else 0


async def one_day(address: str, folder: Path, place: str) -> list[str]:
    """What went wrong on a day with one death."""
    async with Day.begin(address, folder, place) as day:
        try:
            await day.live()
            return await day.problems()
        except AssertionError as error:
            return [f"the day did not end: {error}"]


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
