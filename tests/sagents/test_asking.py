"""Asking models: tries, waits, fallbacks, and what is kept of a reply that breaks off."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from sagents import Agent, Message, ModelError, ModelErrorKind, Retry
from sagents.asking import Attempt
from sagents.inprocess import execute
from sagents.messages import MessageStatus
from sagents.outcome import Outcome
from sagents.ports import Delta, DeltaSink, ModelRequest
from sagents.testing import ScriptedModel, StillTime, fails, says

pytestmark = pytest.mark.asyncio

SECOND = timedelta(seconds=1)


@dataclass
class Broken:
    """A model that fails in its own way, and counts how often it was asked."""

    error: BaseException | object
    name: str = "broken"
    partial: str = ""
    asked: list[ModelRequest] = field(default_factory=list)

    async def ask(self, request: ModelRequest, on_delta: DeltaSink) -> Message:
        self.asked.append(request)
        if self.partial:
            on_delta(Delta(text=self.partial))
        if isinstance(self.error, BaseException):
            raise self.error
        return cast(Message, self.error)


async def run(agent: Agent, stage: StillTime, retry: Retry | None = None) -> Outcome:
    return await execute(agent, "Hello", around=stage.surroundings(retry=retry))


async def test_an_overloaded_model_is_asked_again_after_growing_waits() -> None:
    model = ScriptedModel(fails(times=3), says("Here I am."))
    stage = StillTime()
    outcome = await run(Agent(model=model), stage, Retry(attempts=4, first=SECOND, factor=2))
    assert outcome.text == "Here I am."
    assert stage.slept == [SECOND, 2 * SECOND, 4 * SECOND]
    model.done()


async def test_waits_never_grow_beyond_the_longest() -> None:
    retry = Retry(attempts=1000, first=SECOND, factor=10, longest=30 * SECOND)
    assert [retry.wait(n) for n in (1, 2, 3, 999)] == [SECOND, 10 * SECOND, 30 * SECOND, 30 * SECOND]


async def test_retry_after_is_respected() -> None:
    """A provider that says when to come back is not asked earlier, however short our own wait is."""
    model = ScriptedModel(fails("429", retry_after=17 * SECOND), says("Thanks for waiting."))
    stage = StillTime()
    assert (await run(Agent(model=model), stage)).text == "Thanks for waiting."
    assert stage.slept == [17 * SECOND]


async def test_a_model_that_asks_for_too_much_patience_counts_as_failed() -> None:
    model = ScriptedModel(fails("429", retry_after=timedelta(hours=2)))
    stage = StillTime()
    outcome = await run(Agent(model=model, fallback_models=[ScriptedModel(says("I can."))]), stage)
    assert (outcome.text, stage.slept) == ("I can.", [])


async def test_fallbacks_are_asked_in_order() -> None:
    """B-14: on failure each of the fallback models has its turn, in order."""
    first = Broken(ModelError("down", ModelErrorKind.FALL_BACK), name="first")
    second = Broken(ModelError("busy", ModelErrorKind.RETRY), name="second")
    third, fourth = ScriptedModel(says("At your service.")), ScriptedModel()
    agent = Agent(model=first, fallback_models=[second, third, fourth])
    outcome = await run(agent, StillTime(), Retry(attempts=2))
    assert outcome.text == "At your service."
    assert (len(first.asked), len(second.asked), len(third.requests), len(fourth.requests)) == (1, 2, 1, 0)


async def test_before_fallback_sees_and_may_edit_every_attempt() -> None:
    """B-14: it is called before every attempt of the chain, the first included."""
    seen = []

    async def edit(attempt: Attempt) -> Attempt | None:
        seen.append(attempt.name)
        if attempt.name == "first":
            return None
        return replace(attempt, request=attempt.request.but(system_prompt="You are the spare."))

    first = Broken(ModelError("down", ModelErrorKind.FALL_BACK), name="first")
    spare = ScriptedModel(says("Hi."), name="spare")
    agent = Agent(
        model=first,
        system_prompt="You are the first.",
        fallback_models=[spare],
        before_fallback=edit,
        default_middleware=False,
    )
    assert (await run(agent, StillTime())).text == "Hi."
    assert seen == ["first", "spare"]
    assert (first.asked[0].system_prompt, spare.requests[0].system_prompt) == (
        "You are the first.",
        "You are the spare.",
    )


async def test_before_fallback_that_raises_ends_the_run_and_says_so() -> None:
    def edit(attempt: Attempt) -> Any:
        raise LookupError("no key")

    outcome = await run(Agent(model=ScriptedModel(), before_fallback=edit), StillTime())
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("hook_failed", "before_fallback failed: LookupError: no key")


async def test_a_refusal_for_good_asks_nobody_else() -> None:
    spare = ScriptedModel()
    broken = Broken(ModelError("the request is malformed", ModelErrorKind.FAIL))
    outcome = await run(Agent(model=broken, fallback_models=[spare]), StillTime())
    assert outcome.kind == "failed"
    assert outcome.error is not None
    assert outcome.error.type == "model_failed"
    assert outcome.error.message == "The model 'broken' failed: the request is malformed"
    assert (len(broken.asked), spare.requests) == (1, [])


@pytest.mark.parametrize("answer", ["just a text", None, Message.user("I am you")], ids=["str", "none", "user"])
async def test_a_model_that_returns_garbage_fails_with_a_clear_error(answer: object) -> None:
    outcome = await run(Agent(model=Broken(answer)), StillTime())
    assert outcome.error is not None
    assert outcome.error.type == "model_failed"
    assert "which is no assistant's message" in outcome.error.message


async def test_an_adapter_with_a_bug_fails_like_a_model_that_is_down() -> None:
    spare = ScriptedModel(says("I work."))
    outcome = await run(Agent(model=Broken(KeyError("choices")), fallback_models=[spare]), StillTime())
    assert outcome.text == "I work."


async def test_a_model_s_name_is_resolved_where_it_is_asked() -> None:
    stage = StillTime(models={"vendor:small": ScriptedModel(says("By name."))})
    assert (await run(Agent(model="vendor:small"), stage)).text == "By name."
    outcome = await run(Agent(model="vendor:large"), stage)
    assert outcome.error is not None
    assert outcome.error.message == "The model 'vendor:large' failed: no model is called 'vendor:large'"


async def test_what_was_heard_of_a_dead_stream_is_kept_and_marked() -> None:
    """B-13: displayable content of a reply that broke off stays in the conversation, and the run is an error."""
    model = ScriptedModel(fails("connection reset", partial="The answer is", times=2))
    stage = StillTime()
    outcome = await run(Agent(model=model), stage, Retry(attempts=2))
    assert outcome.kind == "failed"
    partial = outcome.state.messages[-1]
    assert (partial.text, partial.status) == ("The answer is", MessageStatus.STREAM_ERROR)
    assert partial.metadata["streaming_error"] == {
        "type": "model_failed",
        "message": "The model 'scripted' failed: connection reset",
    }
    assert [data["message"] for data in stage.happened("llm_message")] == [partial.model_dump(mode="json")]


async def test_a_stream_that_dies_without_a_word_leaves_no_message() -> None:
    """B-13: with nothing to show there is only the error."""
    outcome = await run(Agent(model=ScriptedModel(fails(kind=ModelErrorKind.FAIL, partial="  "))), StillTime())
    assert [message.text for message in outcome.state.messages] == ["Hello"]
    assert outcome.kind == "failed"


async def test_the_next_try_starts_its_text_anew() -> None:
    model = ScriptedModel(fails(partial="The ans"), says("The answer is 42."))
    outcome = await run(Agent(model=model), StillTime())
    assert [message.text for message in outcome.state.messages] == ["Hello", "The answer is 42."]


async def test_a_reply_cut_at_its_length_limit_is_no_error() -> None:
    """B-13: a message that stopped at its length limit is kept as it is."""
    model = Broken(Message.assistant("So long", status=MessageStatus.LENGTH))
    outcome = await run(Agent(model=model), StillTime())
    assert (outcome.kind, outcome.text) == ("finished", "So long")
    assert outcome.state.messages[-1].status is MessageStatus.LENGTH
