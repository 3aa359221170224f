"""A Temporal server that invokes functions, and the account where they are."""

from collections.abc import Iterator

import pytest

from sagents_infra.dev_server import INVOKING, DevServer
from tests.support.lambdas import Lambdas, lambdas


@pytest.fixture(scope="session")
def account() -> Iterator[Lambdas]:
    with lambdas() as found:
        yield found


@pytest.fixture(scope="session")
def invoking_server(account: Lambdas, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """A real dev server that assumes roles and invokes functions of `account`."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in account.environment().items():
            patch.setenv(name, value)
        server = DevServer.start(tmp_path_factory.mktemp("invoking"), tied=True, flags=INVOKING)
    yield server
    server.stop()
