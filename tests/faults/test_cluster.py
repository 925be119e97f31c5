"""A replicated cluster of two real servers: the primary is killed, and the program follows the promoted standby."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from models.problem import Category, StoreError
from storage.database_repository import DatabaseRepository
from storage.health import Health
from storage.migrator.runner import Migrator
from storage.postgresql.address import Address, parse_address
from storage.postgresql.database import PostgresDatabase
from storage.postgresql.listener import Listener, Mode
from storage.postgresql.session import Pace
from tests.bare_postgres import BareServer, wait_until
from tests.outages import LiveDesk
from tests.store_kit import MIGRATIONS, a_connection


class Cluster(NamedTuple):
    primary: BareServer
    standby: BareServer

    def address(self, options: str = "?target_session_attrs=read-write") -> Address:
        url = self.primary.url(options=options)
        # The standby comes first, so that finding the primary takes a choice.
        return parse_address(url.replace("@127.0.0.1:", f"@127.0.0.1:{self.standby.port},127.0.0.1:"))


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    primary = BareServer()
    servers = [primary]
    try:
        primary.start()
        database = PostgresDatabase.open(parse_address(primary.url()))
        Migrator(database, MIGRATIONS, backup=lambda: None).apply()
        database.close()
        servers.append(BareServer(primary=primary))
        servers[1].start()
        yield Cluster(primary, servers[1])
    finally:
        for server in servers:
            server.destroy()


def names(database: PostgresDatabase) -> set[str]:
    return DatabaseRepository(database, "desk").names()


def test_the_program_follows_the_server_that_takes_writes(cluster: Cluster) -> None:
    database = PostgresDatabase.open(cluster.address(), pace=Pace(0.01))
    repository = DatabaseRepository(database, "desk")
    repository.add([a_connection("Before")])
    reading = PostgresDatabase.open(parse_address(cluster.standby.url()), pace=Pace(0.01))
    wait_until(lambda: names(reading) == {"Before"})
    cluster.primary.kill()
    with pytest.raises(StoreError) as caught:
        repository.add([a_connection("Nowhere")])
    # Nobody takes writes now: whichever of the two is named, it is a state to wait out.
    assert caught.value.problem.category in {Category.SERVER_DOWN, Category.READ_ONLY}
    cluster.standby.promote()
    began = time.monotonic()
    repository.add([a_connection("After")])
    assert time.monotonic() - began < 5
    assert repository.names() == {"Before", "After"}
    assert Health().report(database).role == "primary"
    reading.close()
    database.close()


def test_a_standby_is_read_and_not_written(cluster: Cluster) -> None:
    """F21. LISTEN is not possible there, so changes are looked for."""
    database = PostgresDatabase.open(parse_address(cluster.standby.url()))
    assert names(database) == set()
    with pytest.raises(StoreError) as caught:
        DatabaseRepository(database, "desk").add([a_connection("Main")])
    assert caught.value.problem.category is Category.READ_ONLY
    assert Health().report(database).role == "standby"
    heard: list[frozenset[str] | None] = []
    listener = Listener(database.address, heard.append)
    listener.start()
    wait_until(lambda: bool(heard))
    assert listener.mode is Mode.POLLING
    primary = PostgresDatabase.open(parse_address(cluster.primary.url()))
    (row,) = DatabaseRepository(primary, "desk").add([a_connection("Main")])
    wait_until(lambda: frozenset({row.id}) in heard)
    assert listener.close()
    primary.close()
    database.close()


def test_a_primary_that_became_a_standby_is_left(cluster: Cluster) -> None:
    """The session survives, as it does behind a virtual address; only the write says what it has become."""
    database = PostgresDatabase.open(cluster.address(), pace=Pace(0.01))
    repository = DatabaseRepository(database, "desk")
    repository.add([a_connection("Before")])
    reading = PostgresDatabase.open(parse_address(cluster.standby.url()), pace=Pace(0.01))
    wait_until(lambda: names(reading) == {"Before"})
    cluster.standby.promote()
    cluster.primary.sql("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    with pytest.raises(StoreError) as caught:
        wait_until(lambda: not repository.add([a_connection("Main")], rename=True))
    assert caught.value.problem.category is Category.READ_ONLY
    repository.add([a_connection("After")])
    assert "After" in names(reading)
    reading.close()
    database.close()


def test_an_old_primary_that_comes_back_as_one_of_its_own_is_noticed(cluster: Cluster, tmp_path: Path) -> None:
    """Split brain: both take writes. The old one is named first, and lacks what was saved after it was gone."""
    first = cluster.primary.url(options="?target_session_attrs=read-write")
    url = first.replace("/postgres?", f",127.0.0.1:{cluster.standby.port}/postgres?")
    desk = LiveDesk(tmp_path / "desk", url, "desk")
    desk.wait_home()
    desk.add("Edited", "Same")
    reading = PostgresDatabase.open(parse_address(cluster.standby.url()), pace=Pace(0.01))
    wait_until(lambda: names(reading) == {"Edited", "Same"})
    reading.close()
    cluster.primary.kill()
    desk.wait_away()
    cluster.standby.promote()
    desk.wait_home()
    desk.edit("Edited", note="saved in the new primary")
    desk.add("Added to the new primary")

    # It listens there and has looked at everything: what comes next is news to it.
    def hears() -> bool:
        cluster.standby.sql("UPDATE exchange_connections SET color = 'a' || color WHERE name = 'Same'")
        return any(row.color for event in desk.heard for row in getattr(event, "changed", ()))

    wait_until(hears)
    cluster.primary.start()
    ours = "FROM pg_stat_activity WHERE application_name = 'cts-connections'"
    cluster.standby.sql(f"SELECT pg_terminate_backend(pid) {ours}")
    wait_until(lambda: any("older than it was" in said for said in desk.warnings()))
    (folder,) = desk.folder.quarantine.iterdir()
    kept = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.json"))
    assert "saved in the new primary" in kept
    assert "Added to the new primary" in kept
    assert '"Same"' not in kept
    desk.store.close()


def test_a_desk_on_a_standby_says_so_before_anybody_saves(cluster: Cluster, tmp_path: Path) -> None:
    desk = LiveDesk(tmp_path / "desk", cluster.standby.url(), "desk")
    desk.wait_home()
    assert desk.category() is Category.READ_ONLY
    assert "read-only" in next(step.detail for step in desk.steps if step.step == "database")
    cluster.primary.stop()
    cluster.standby.promote()
    wait_until(lambda: desk.is_home and desk.problem is None)
    desk.add("Saved")
    assert (desk.is_home, desk.store.status.waiting) == (True, 0)
    desk.store.close()
