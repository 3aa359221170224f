"""`sagents dev --reset` forgets all that agents and people left in a folder, and keeps what signs."""

from pathlib import Path

from sagents_infra.cli.dev import _prepare
from sagents_infra.settings import Settings


def test_a_reset_forgets_everything_but_keys(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    paths = [getattr(settings, name) for name in dir(type(settings)) if name.endswith("_path")]
    databases = [path for path in paths if path.suffix == ".db"]
    for path in [*paths, *(path.with_name(f"{path.name}-wal") for path in databases)]:
        path.write_text("something")
    names = {"store.db", "channel.db", "presence.db", "connections.db", "links.db"}
    assert {path.name for path in databases} == names
    _prepare(tmp_path, reset=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [".gitignore", *(path.name for path in paths if path not in databases)]
    )
