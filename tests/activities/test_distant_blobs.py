"""Files on a worker: user code reaches them from loops and threads of its own."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from sagents import FileChanged, Files, Sagents
from sagents.memory_blobs import MemoryBlobs
from sagents.plan import AgentRef
from sagents_infra.channels.memory import MemoryChannel
from sagents_infra.presence import MemoryPresence
from sagents_infra.settings import Settings
from sagents_infra.stores.memory import MemoryStore
from sagents_infra.wiring import file_storage
from sagents_infra.worker import make_kit

pytestmark = pytest.mark.asyncio


class AtHome(MemoryBlobs):
    """An adapter that works on one event loop only, as those do that hold connections."""

    def __init__(self) -> None:
        super().__init__()
        self._home = asyncio.get_running_loop()

    def __getattribute__(self, name: str) -> Any:
        if name in {"get", "put", "delete", "listed", "clear"}:
            found = super().__getattribute__(name)

            async def checked(*arguments: Any, **more: Any) -> Any:
                assert asyncio.get_running_loop() is self._home
                return await found(*arguments, **more)

            return checked
        return super().__getattribute__(name)


async def test_user_code_reaches_files_from_its_own_loop_and_from_threads() -> None:
    blobs = AtHome()
    kit = make_kit(Sagents(), MemoryStore(), MemoryChannel(), MemoryPresence(), blobs=blobs)
    ref = AgentRef(agent_id="c-1", scope={"project": "p", "tenant": "t"})
    files = Files.around(ref, kit.surroundings(kit.announcer(ref, None, "key"), ref)).of("project")

    async def work() -> str:
        assert threading.current_thread().name == "sagents-userland"
        await files.create("/a", "1")
        await asyncio.to_thread(lambda: asyncio.run(files.edit("/a", lambda data: data + b"2")))
        with pytest.raises(FileChanged):
            await files.write("/a", "3", version="another")
        await files.move("/a", "/b")
        assert [one.path for one in await files.list()] == ["/b"]
        return (await files.read("/b")).text

    assert await kit.userland.run(work) == "12"
    assert (await files.read("/b")).size == 2
    kit.userland.close()
    assert await MemoryBlobs.get(blobs, files.scope, "/b") is not None
    assert files.scope.key == "tenants/t/project/p"


async def test_files_are_where_the_setting_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home = Files(file_storage(Settings(home=tmp_path)), "c-1")
    await at_home.create("/a.md", "x")
    assert (tmp_path / "files/content/agent/c-1/a.md").read_text() == "x"
    monkeypatch.setenv("SAGENTS_FILES", str(tmp_path / "elsewhere"))
    await Files(file_storage(Settings(home=tmp_path)), "c-1").create("/a.md", "y")
    assert (tmp_path / "elsewhere/content/agent/c-1/a.md").read_text() == "y"
    monkeypatch.setenv("SAGENTS_FILES", "s3://bucket/some/prefix")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert type(file_storage(Settings(home=tmp_path))).__name__ == "S3Blobs"
