"""A DynamoDB client whose connection is cut, before a call reaches the table or after it has."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

from botocore.exceptions import ClientError, EndpointConnectionError

Cut = Literal["before", "after", "throttled", "mistaken"]


def _refusal(single: str, reason: str) -> Callable[[str], ClientError]:
    """As DynamoDB says it of one request, or of one in a transaction."""

    def made(call: str) -> ClientError:
        if call != "transact_write_items":
            return ClientError({"Error": {"Code": single}}, call)
        error: Any = {"Error": {"Code": "TransactionCanceledException", "Message": f"[None, {reason}]"}}
        return ClientError({**error, "CancellationReasons": [{"Code": "None"}, {"Code": reason}]}, call)

    return made


REFUSALS: dict[str, Callable[[str], ClientError]] = {
    "throttled": _refusal("ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded"),
    "mistaken": _refusal("ValidationException", "ValidationError"),
}


class Wire:
    """Counts calls and lets some fail: `cuts` has how, by the name of the call and its number among those."""

    def __init__(self, client: Any, cuts: dict[tuple[str, int], Cut] | None = None) -> None:
        self._client, self.cuts = client, cuts or {}
        self.calls = Counter[str]()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._cut(name, found) if name.endswith(("_item", "_items", "query")) else found

    def _cut(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(**arguments: Any) -> Any:
            self.calls[name] += 1
            cut = self.cuts.get((name, self.calls[name])) or self.cuts.get((name, 0))
            if cut in REFUSALS:
                raise REFUSALS[cut](name)
            if cut == "before":
                raise EndpointConnectionError(endpoint_url="http://cut")
            answer = call(**arguments)
            if cut == "after":
                raise EndpointConnectionError(endpoint_url="http://cut")
            return answer

        return made
