"""AWS on loopback: moto's server, with one request at a time.

moto looks whether a condition holds and then writes; one at a time, the two are one, as they are at AWS.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import moto.moto_server.threaded_moto_server as moto_server
import pytest

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}


@contextmanager
def aws_peer() -> Iterator[str]:
    """The server's address, while inside."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:
        make = moto_server.make_server  # type: ignore[attr-defined] # what it calls to serve
        patch.setattr(
            moto_server, "make_server", lambda host, port, app, *a, **more: make(host, port, _alone(app), *a, **more)
        )
        server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


def _alone(app: Callable[..., Any]) -> Callable[..., Any]:
    lock = Lock()

    def call(environ: Any, start_response: Any) -> Any:
        with lock:
            return app(environ, start_response)

    return call
