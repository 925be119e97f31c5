"""F07: the server is frozen while it commits. What was saved is there once, whether the commit happened or not."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.status import Backend, StoreState
from storage.postgresql.address import parse_address
from storage.target import Target
from tests.bare_postgres import BareServer, wait_until
from tests.cheap_passphrases import make_cheap
from tests.store_kit import Kit


@pytest.fixture
def own_server() -> Iterator[BareServer]:
    """A killed backend takes every session of its server along."""
    server = BareServer()
    try:
        server.start()
        yield server
    finally:
        server.destroy()


@pytest.fixture
def kit(own_server: BareServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    make_cheap(monkeypatch)
    target = Target(Backend.POSTGRESQL, parse_address(own_server.url()))
    opened = Kit(tmp_path / "data", fresh=True, target=lambda: target, watch=True, connect_wait=15.0)
    yield opened
    opened.store.close()


@pytest.mark.parametrize("happens", ["yes", "never"])
def test_exactly_one_row(kit: Kit, own_server: BareServer, happens: str) -> None:
    kit.add("first")
    # A deferred trigger runs inside COMMIT: it tells that COMMIT has begun, and then takes its time.
    own_server.sql(
        "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.6); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER pause AFTER INSERT ON exchange_connections DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION pause()",
    )
    frozen: list[int] = []

    def freeze() -> None:
        looking = (
            "SELECT pid FROM pg_stat_activity WHERE datname = 'postgres' AND query LIKE 'COMMIT%' AND state = 'active'"
        )
        until = time.monotonic() + 10
        while not frozen and time.monotonic() < until:
            frozen.extend(int(str(pid)) for (pid,) in own_server.sql(looking))
        os.kill(frozen[0], signal.SIGSTOP)

    watcher = threading.Thread(target=freeze)
    watcher.start()
    row = kit.connections.add({"name": "second", "exchange": "bybit"}).row
    watcher.join()
    assert (row.name, kit.state(), kit.store.status.waiting) == ("second", StoreState.FALLBACK, 1)
    assert kit.names() == ["first", "second"]
    # A backend that is killed before its commit record is written takes the transaction back.
    os.kill(frozen[0], signal.SIGKILL if happens == "never" else signal.SIGCONT)
    wait_until(lambda: kit.state() is StoreState.ONLINE and kit.store.status.waiting == 0, 40)
    assert kit.names() == ["first", "second"]
    stored = own_server.sql("SELECT name, revision FROM exchange_connections ORDER BY name")
    assert stored == [("first", 1), ("second", 1)]
