"""Several agents edit one file at once: nothing is lost (E-94)."""

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from sagents.memory_blobs import MemoryBlobs
from sagents_infra.blobs import DiskBlobs
from sagents_infra.blobs.s3 import s3_blobs
from tests.infra.blobs.editor import add_lines, begin, lines, wanted

ROOT = Path(__file__).resolve().parents[3]
AGENTS, EDITS = 8, 100

pytestmark = pytest.mark.asyncio


async def test_800_edits_by_8_agents_in_4_processes_are_all_on_disk(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    await begin(blobs)
    command = (sys.executable, "-m", "tests.infra.blobs.editor", str(tmp_path), str(EDITS))
    pairs = [(f"agent-{n}", f"agent-{n + 1}") for n in range(0, AGENTS, 2)]
    editors = [await asyncio.create_subprocess_exec(*command, *pair, cwd=ROOT) for pair in pairs]
    assert [await editor.wait() for editor in editors] == [0] * len(pairs)
    assert sorted(await lines(blobs)) == wanted(AGENTS, EDITS)


async def test_800_edits_by_8_agents_in_8_threads_are_all_in_memory() -> None:
    blobs = MemoryBlobs()
    await begin(blobs)
    agents = [f"agent-{n}" for n in range(AGENTS)]
    threads = [threading.Thread(target=asyncio.run, args=(add_lines(blobs, agent, EDITS),)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert sorted(await lines(blobs)) == wanted(AGENTS, EDITS)


async def test_100_edits_by_4_agents_are_all_in_the_bucket(bucket: str) -> None:
    stores = [s3_blobs(bucket) for _ in range(4)]
    await begin(stores[0])
    await asyncio.gather(*(add_lines(blobs, f"agent-{n}", 25) for n, blobs in enumerate(stores)))
    assert sorted(await lines(stores[0])) == wanted(4, 25)
