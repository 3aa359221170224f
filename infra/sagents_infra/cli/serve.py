"""`sagents serve` and `sagents token`: the HTTP API on this machine, and who asks it."""

import asyncio
import json
import os
import signal
from datetime import timedelta

from sagents import SagentsError
from sagents_infra.cli.places import find_app, use_dev_server
from sagents_infra.settings import Settings

PORT = 7280


def serve(spec: str, port: int, *, open_to_all: bool, or_any: bool) -> None:
    """Serve until Ctrl-C."""
    check_installed()
    from sagents_infra import logs

    logs.configure()
    settings = Settings()
    use_dev_server(settings.home)
    asyncio.run(_serve(settings, spec or settings.app, port, open_to_all, or_any))


def token(subject: str, groups: list[str], tenant: str | None, scopes: list[str], hours: float, as_json: bool) -> None:
    """Print a token for somebody, which the server of this folder believes."""
    check_installed()
    from sagents_infra.http.identity import ADMIN, SCOPES
    from sagents_infra.http.serving import local_issuer

    wanted = tuple(scopes) or tuple(scope for scope in SCOPES if scope != ADMIN)
    if unknown := {*wanted} - {*SCOPES}:
        raise SagentsError(f"There is no scope {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}.")
    made = local_issuer(Settings().home).token(
        subject, groups=tuple(groups), tenant=tenant, scopes=wanted, valid_for=timedelta(hours=hours)
    )
    print(json.dumps({"token": made}) if as_json else made)


def check_installed() -> None:
    """Raise where the packages of the HTTP API are not here."""
    try:
        import aws_lambda_powertools  # noqa: F401 # looked for, not used
        import jwt  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise SagentsError(f"The HTTP API needs {error.name}: `pip install 'sagents[dev]'` brings it.") from None


async def _serve(settings: Settings, spec: str, port: int, open_to_all: bool, or_any: bool) -> None:
    from sagents_infra.http.options import HttpOptions
    from sagents_infra.http.serving import Serving, listen, local_issuer

    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    options = HttpOptions()
    names = options.agents or _names(spec)
    issuer = None if open_to_all else local_issuer(settings.home)
    with listen(port, or_any=or_any) as listening:
        host, found = listening.getsockname()
        _say(f"http     http://{host}:{found}, described at /openapi.json")
        _say(f"token    {issuer.token('dev')}" if issuer else "token    none is asked for")
        await Serving(issuer, options.model_copy(update={"agents": names})).run(listening, stopping)


def _say(line: str) -> None:
    print(line, flush=True)


def _names(spec: str) -> str:
    """The agents of the application, where it is here and can be imported; a worker says what is wrong with it."""
    try:
        return ",".join(find_app(spec)[1].names)
    except Exception as error:
        os.environ.pop("SAGENTS_APP", None)
        _say(f"agents   are not known to the HTTP API: {type(error).__name__}: {error}")
        return ""
