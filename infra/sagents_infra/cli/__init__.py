"""The command `sagents`. What a command needs is imported when it runs, so that `sagents --help` is quick."""


def main() -> None:
    """The console script."""
    from sagents_infra.cli.app import app

    app()
