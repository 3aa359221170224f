"""The command `sagents`. What a command needs is imported when it runs, so that `sagents --help` is quick."""


def main() -> None:
    """The console script."""
    from sagents_infra.cli.app import app
    from sagents_infra.cli.leaving import leave

    try:
        app()
    except SystemExit as end:
        leave(end.code if isinstance(end.code, int) else 1 if end.code else 0)
