"""Testing agents without a model: write down what it says, and talk.

    async def test_rejected_refund_is_explained() -> None:
        model = ScriptedModel(calls(refund, order="7", amount=500.0), says("I was told no."))
        outcome = await talk(desk, model, "Refund order 7", answers=(Reject("too late"),))
        assert outcome.text == "I was told no."

Several calls in one reply are joined by `&`: `calls(search, query="a") & calls(search, query="b")`.
"""

from sagents.testing.replies import Failure, Reply, calls, calls_raw, fails, says
from sagents.testing.scripted import ScriptedModel
from sagents.testing.still_time import StillTime
from sagents.testing.talking import talk

__all__ = ["Failure", "Reply", "ScriptedModel", "StillTime", "calls", "calls_raw", "fails", "says", "talk"]
