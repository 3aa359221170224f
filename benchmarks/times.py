"""Whether a long conversation is as quick as a young one, and as quick beside pydantic-ai's Temporal agent.

The conversations that are compared take turns, so that whatever else the machine does slows both.
"""

from statistics import median

from benchmarks.chatter import chatter_app, question
from benchmarks.figures import Figure
from benchmarks.histories import chain_of
from benchmarks.pydantic_agent import pydantic_talk
from benchmarks.stage import Stage, Talk, open_stage, say

BESIDE = 10
TURNS = 20


async def main() -> list[Figure]:
    async with open_stage() as stage, stage.working(chatter_app()):
        old = await stage.agent("chatter")
        ours, theirs, their_bytes = await beside_pydantic(stage, old)
        late, early = await old_and_young(old, await stage.agent("chatter"))
        chain = await chain_of(stage.client, old.handle.id)
    return [
        Figure("time a round at 200 ÷ at 10", late / early, 1.2),
        Figure("time a round at 200", late * 1000, unit="ms"),
        Figure("history at 200", chain.bytes / 1e6, unit="MB"),
        Figure("time a round at 100 ÷ pydantic-ai's", ours / theirs, 0.6),
        Figure("time a round at 100", ours * 1000, unit="ms"),
        Figure("time a round at 100, pydantic-ai", theirs * 1000, unit="ms"),
        Figure("history at 100, pydantic-ai", their_bytes / 1e6, unit="MB"),
    ]


async def beside_pydantic(stage: Stage, talk: Talk) -> tuple[float, float, int]:
    """Rounds 91–100 of both: the median seconds, and the bytes of the other's history."""
    async with pydantic_talk(stage.address) as other:
        await reach(talk, 100 - BESIDE)
        await reach(other, 100 - BESIDE)
        ours, theirs = await take_turns(talk, other, BESIDE)
        chain = await chain_of(stage.client, other.handle.id)
        await other.handle.terminate("measured")
    return ours, theirs, chain.bytes


async def old_and_young(old: Talk, young: Talk) -> tuple[float, float]:
    """Rounds 181–200 of one and 3–22 of the other: the median seconds."""
    await reach(old, 200 - TURNS)
    await reach(young, 2)
    return await take_turns(old, young, TURNS)


async def reach(talk: Talk, rounds: int) -> None:
    while talk.rounds < rounds:
        await talk.say(question(talk.rounds))
        if talk.rounds % 30 == 0:
            say(f"{talk.handle.id}: {talk.rounds} rounds")


async def take_turns(first: Talk, second: Talk, turns: int) -> tuple[float, float]:
    """The median seconds a round of each."""
    pairs = [(await first.say(question(first.rounds)), await second.say(question(second.rounds))) for _ in range(turns)]
    return median(one for one, _ in pairs), median(other for _, other in pairs)
