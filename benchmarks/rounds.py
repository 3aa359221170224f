"""What a round costs in history and store, beside plain Temporal with the same activities."""

import sqlite3
from pathlib import Path

from benchmarks.bare import bare_talk
from benchmarks.chatter import SAID, chatter_app, question
from benchmarks.figures import Figure
from benchmarks.histories import Chain, chain_of, mean_bytes, mean_events
from benchmarks.stage import Stage, Talk, open_stage, say

ROUNDS = 100
BARE_ROUNDS = 30


async def main() -> list[Figure]:
    async with open_stage() as stage, stage.working(chatter_app()):
        chain, store, log = await with_tool(stage)
        inline = await converse(stage, await stage.agent("inline"), 20)
        async with bare_talk(stage.client) as talk:
            bare = await converse(stage, talk, BARE_ROUNDS)
    growth = mean_bytes(chain.rounds, 91, 100) / mean_bytes(chain.rounds, 6, 15)
    ours, theirs = mean_bytes(chain.rounds, 1, ROUNDS), mean_bytes(bare.rounds, 6, 15)
    return [
        Figure("history of 100 rounds", chain.bytes / 1e6, 0.9, "MB"),
        Figure("workflow runs of 100 rounds", len(chain.runs)),
        Figure("bytes of rounds 91–100 ÷ 6–15", growth, 1.1),
        Figure("events a round, tool as activity", mean_events(chain.rounds), 26),
        Figure("events a round, inline tool", mean_events(inline.rounds), 20),
        Figure("events a round, bare Temporal", mean_events(bare.rounds)),
        Figure("bytes a round", ours),
        Figure("bytes a round, bare Temporal", theirs),
        Figure("bytes a round ÷ bare Temporal's", ours / theirs, 1.4),
        Figure("store ÷ what was said", store / (ROUNDS * SAID), 3),
        Figure("event log ÷ what was said", log / (ROUNDS * SAID)),
    ]


async def with_tool(stage: Stage) -> tuple[Chain, int, int]:
    """The conversation that counts: its history, and the bytes of it in the store and in the log beside it."""
    talk = await stage.agent("chatter")
    chain = await converse(stage, talk, ROUNDS)
    path, agent_id = stage.settings.store_path, talk.handle.id
    return chain, stored_bytes(path, agent_id), logged_bytes(path, agent_id)


async def converse(stage: Stage, talk: Talk, rounds: int) -> Chain:
    """Talk for so many rounds; the history they leave."""
    for number in range(rounds):
        await talk.say(question(number))
        if (number + 1) % 25 == 0:
            say(f"{talk.handle.id}: {number + 1} rounds")
    return await chain_of(stage.client, talk.handle.id)


def stored_bytes(path: Path, agent_id: str) -> int:
    """Bytes of an agent's rows in the SQLite store that its state is read from: heads, bases and records."""
    return _bytes(path, agent_id, {"agents": "head", "bases": "body", "records": "body"})


def logged_bytes(path: Path, agent_id: str) -> int:
    """Bytes of its event log, which people watch and the state does not need."""
    return _bytes(path, agent_id, {"events": "entry"})


def _bytes(path: Path, agent_id: str, columns: dict[str, str]) -> int:
    with sqlite3.connect(path) as db:
        sizes = [
            db.execute(
                f"SELECT coalesce(sum(length(CAST({column} AS BLOB))), 0) FROM {table} WHERE agent_id = ?", (agent_id,)
            ).fetchone()[0]
            for table, column in columns.items()
        ]
    return sum(sizes)
