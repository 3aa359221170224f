"""Files as user code reaches them: from a loop or a thread of its own."""

from collections.abc import Mapping

from sagents.ports import Blob, BlobInfo, Blobs
from sagents.scopes import Scope
from sagents_activities.elsewhere import bridged


class BlobsFromElsewhere:
    """The same files for other loops: each call hops to the loop that made this, where the adapter is at home."""

    def __init__(self, blobs: Blobs) -> None:
        self._get, self._put, self._delete = bridged(blobs.get), bridged(blobs.put), bridged(blobs.delete)
        self._listed, self._clear = bridged(blobs.listed), bridged(blobs.clear)

    async def get(self, scope: Scope, path: str) -> Blob | None:
        return await self._get(scope, path)

    async def put(self, scope: Scope, path: str, data: bytes, metadata: Mapping[str, str], expected: str | None) -> str:
        return await self._put(scope, path, data, metadata, expected)

    async def delete(self, scope: Scope, path: str, expected: str | None = None) -> bool:
        return await self._delete(scope, path, expected)

    async def listed(self, scope: Scope, prefix: str = "/") -> tuple[BlobInfo, ...]:
        return await self._listed(scope, prefix)

    async def clear(self, scope: Scope) -> None:
        await self._clear(scope)
