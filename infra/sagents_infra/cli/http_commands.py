"""The commands of the HTTP API on this machine, declared."""

from typing import Annotated

import typer

from sagents_infra.cli.failing import failing
from sagents_infra.cli.options import App, Group, Json, TheirTenant

HttpPort = Annotated[int, typer.Option("--http-port", min=0, max=65535, help="Where the HTTP API listens; 0 is off.")]


def serve(
    spec: App = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens, on loopback; 0 takes any.")] = 7280,
    open_to_all: Annotated[bool, typer.Option("--no-auth", help="Ask for no token: everybody is `dev`.")] = False,
    or_any: Annotated[bool, typer.Option("--or-any", help="Take another port where this one is busy.")] = False,
) -> None:
    """Serve the HTTP API on this machine, with a token that is ready; Ctrl-C ends it."""
    with failing():
        from sagents_infra.cli import serve as serving

        serving.serve(spec, port, open_to_all=open_to_all, or_any=or_any)


def token(
    subject: Annotated[str, typer.Argument(metavar="[NAME]", help="Whose it is.")] = "dev",
    group: Group = None,
    tenant: TheirTenant = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="What for, as sagents:read; without any all but sagents:admin."),
    ] = None,
    hours: Annotated[float, typer.Option(min=0.001, max=24 * 30, help="How long it holds.")] = 12.0,
    as_json: Json = False,
) -> None:
    """Print a token for somebody, which `sagents serve` and `sagents dev` of this folder believe."""
    with failing(as_json):
        from sagents_infra.cli import serve as serving

        serving.token(subject, group or [], tenant, scope or [], hours, as_json)


ALL = (serve, token)
