"""What an agent has used of its budget, counted reply by reply: messages may be cut away, what they took was spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from pydantic import Field, JsonValue, ValidationError

from sagents.frozen import Frozen
from sagents.messages import Message, Role

MILLION = 1_000_000

Price = tuple[float, float]
"""What a million tokens cost, read and written."""

OTHER = ""
"""The model of which nobody said the price."""


class Tokens(Frozen):
    """Tokens of one model."""

    input: int = 0
    output: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output


class Spent(Frozen):
    """The count so far, `extended` by people, or `refused` by them."""

    model_calls: int = 0
    tool_calls: int = 0
    tokens: Mapping[str, Tokens] = Field(default_factory=dict)
    extended: Mapping[str, int | float] = Field(default_factory=dict)
    refused: str | None = None

    @classmethod
    def read(cls, kept: JsonValue) -> Self | None:
        """The count that metadata hold; None where there is none."""
        try:
            return cls.model_validate(kept)
        except ValidationError:
            return None

    @property
    def kept(self) -> JsonValue:
        """As metadata hold it."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def with_reply(self, reply: Message, model: str) -> Self:
        """After one more reply, of the model whose price counts."""
        before, usage = self.tokens.get(model, Tokens()), reply.usage
        after = before.but(input=before.input + usage.input, output=before.output + usage.output) if usage else before
        return self.but(
            model_calls=self.model_calls + 1,
            tool_calls=self.tool_calls + len(reply.tool_calls),
            tokens={**self.tokens, model: after} if after.total else self.tokens,
        )

    def with_more(self, more: Mapping[str, float]) -> Self:
        """With higher limits."""
        total = {kind: self.extended.get(kind, 0) + amount for kind, amount in more.items()}
        return self.but(extended={**self.extended, **total}, refused=None)

    def used(self, prices: Mapping[str, Price]) -> dict[str, float]:
        """How much of each kind."""
        return {
            "tokens": sum(tokens.total for tokens in self.tokens.values()),
            "model_calls": self.model_calls,
            "tool_calls": self.tool_calls,
            "money": round(sum(_cost(tokens, _price(prices, model)) for model, tokens in self.tokens.items()), 6),
        }


def counted(messages: Iterable[Message], prices: Mapping[str, Price], model: str) -> Spent:
    """What a conversation has taken, as far as its messages are still there."""
    spent = Spent()
    for message in messages:
        if message.role is Role.ASSISTANT:
            spent = spent.with_reply(message, priced(message, prices, model))
    return spent


def priced(reply: Message, prices: Mapping[str, Price], model: str) -> str:
    """The name in `prices` of the model that replied, which a fallback may have been; `model` is the agent's first."""
    stamp = reply.metadata.get("provider")
    said = stamp.get("model_name") if isinstance(stamp, dict) else None
    if not isinstance(said, str) or said.startswith(model.partition(":")[2] or model):
        return model if model in prices else OTHER
    return next((name for name in prices if name == said or name.partition(":")[2] == said), OTHER)


def _price(prices: Mapping[str, Price], model: str) -> Price:
    """Of a model that has none, the dearest: a limit errs on the side of who pays."""
    return prices.get(model) or max(prices.values(), key=sum, default=(0.0, 0.0))


def _cost(tokens: Tokens, price: Price) -> float:
    return (tokens.input * price[0] + tokens.output * price[1]) / MILLION
