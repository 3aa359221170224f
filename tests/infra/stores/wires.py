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
        self.meanwhile: Callable[[], Any] | None = None
        """What somebody else does between what the next transaction was decided by and the transaction."""
        self.unseen: set[str] = set()
        """Sort keys that the next query or read does not show, as if they were in the middle of a transaction."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._cut(name, found) if name.endswith(("_item", "_items", "query")) else found

    def _cut(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(**arguments: Any) -> Any:
            self.calls[name] += 1
            if name == "transact_write_items" and self.meanwhile is not None:
                meanwhile, self.meanwhile = self.meanwhile, None
                meanwhile()
            cut = self.cuts.get((name, self.calls[name])) or self.cuts.get((name, 0))
            if cut in REFUSALS:
                raise REFUSALS[cut](name)
            if cut == "before":
                raise EndpointConnectionError(endpoint_url="http://cut")
            answer = call(**arguments)
            if self.unseen and name in ("query", "batch_get_item"):
                self._hide(answer)
            if cut == "after":
                raise EndpointConnectionError(endpoint_url="http://cut")
            return answer

        return made

    def _hide(self, answer: dict[str, Any]) -> None:
        for items in (answer.get("Items", []), *answer.get("Responses", {}).values()):
            seen = [item for item in items if item["sk"]["S"] not in self.unseen]
            self.unseen -= {item["sk"]["S"] for item in items}
            items[:] = seen
