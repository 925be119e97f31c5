"""A server that a module may do anything to, the desks of a test on it, and a way to it that can be cut."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bare_postgres import BareServer
from tests.outages import Shared, outage_server
from tests.proxy import Proxy


@pytest.fixture(scope="module")
def server() -> Iterator[BareServer]:
    with outage_server() as made:
        yield made


@pytest.fixture
def shared(server: BareServer, tmp_path: Path) -> Iterator[Shared]:
    """The desks of one test. Whatever was done to their server, the next test finds it up and answering."""
    made = Shared(server, tmp_path)
    yield made
    if server.running():
        server.thaw()
    else:
        server.start()
    made.close()


@pytest.fixture
def proxy(server: BareServer) -> Iterator[Proxy]:
    """A way of desks to the server that can be cut without others noticing."""
    made = Proxy(server.port)
    yield made
    made.close()
