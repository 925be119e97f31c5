"""Changes of other desktops arrive: directly, in bulk, through a pooler, after a crash; and it ends at once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from storage.postgresql.address import parse_address
from storage.postgresql.listener import Listener, Mode
from tests.bare_postgres import BareServer, wait_until
from tests.databases import connect, migrator
from tests.pooler import POOLERS, pooled

TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'cts-connections' AND datname = current_database()"
)


class Heard:
    """What a listener said, with the moment of each."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, frozenset[str] | None]] = []
        self._news = threading.Condition()

    def __call__(self, ids: frozenset[str] | None) -> None:
        with self._news:
            self.calls.append((time.monotonic(), ids))
            self._news.notify_all()

    def wait(self, *ids: str, everything: bool = False) -> float:
        """Wait until exactly these were told; returns when."""
        wanted = None if everything else frozenset(ids)
        with self._news:
            assert self._news.wait_for(lambda: any(said == wanted for _, said in self.calls), 10), self.calls
            return next(moment for moment, said in self.calls if said == wanted)

    def clear(self) -> None:
        with self._news:
            self.calls.clear()


@contextmanager
def listening(url: str, mode: Mode = Mode.LISTENING) -> Iterator[tuple[Listener, Heard]]:
    heard = Heard()
    listener = Listener(parse_address(url), heard)
    listener.start()
    try:
        wait_until(lambda: bool(heard.calls) and listener.mode is not Mode.AWAY)
        assert listener.mode is mode, listener.reason
        heard.clear()
        yield listener, heard
    finally:
        assert listener.close()


@contextmanager
def another_desktop(url: str) -> Iterator[Callable[[str], object]]:
    opened = connect(url)
    try:
        yield opened.rows
    finally:
        opened.close()


def insert(*ids: str) -> str:
    values = ", ".join(f"('{each}', 'name of {each}', 'bybit')" for each in ids)
    return f"INSERT INTO exchange_connections (id, name, exchange) VALUES {values}"


def test_each_kind_of_change_is_told_with_its_ids(migrated_postgres_url: str) -> None:
    with listening(migrated_postgres_url) as (_, heard), another_desktop(migrated_postgres_url) as run:
        for text, ids in (
            (insert("a", "b,c"), {"a", "b,c"}),
            ("UPDATE exchange_connections SET note = 'x' WHERE id = 'a'", {"a"}),
            ("UPDATE exchange_connections SET id = 'd' WHERE id = 'a'", {"a", "d"}),
            ("DELETE FROM exchange_connections WHERE id = 'd'", {"d"}),
        ):
            heard.clear()
            began = time.monotonic()
            run(text)
            assert heard.wait(*ids) - began < 1
        heard.clear()
        run("TRUNCATE exchange_connections")
        heard.wait(everything=True)


def test_a_change_that_is_rolled_back_or_changes_nothing_is_not_told(migrated_postgres_url: str) -> None:
    with listening(migrated_postgres_url) as (_, heard), another_desktop(migrated_postgres_url) as run:
        run("BEGIN")
        run(insert("a"))
        run("ROLLBACK")
        run("UPDATE exchange_connections SET note = 'x' WHERE id = 'nobody'")
        run(insert("last"))
        heard.wait("last")
        assert len(heard.calls) == 1


@pytest.mark.parametrize(("count", "length"), [(151, 3), (140, 200)], ids=["too many", "too long"])
def test_bulk_changes_collapse(migrated_postgres_url: str, count: int, length: int) -> None:
    with listening(migrated_postgres_url) as (_, heard), another_desktop(migrated_postgres_url) as run:
        run(insert(*(f"{number:0{length}}" for number in range(count))))
        heard.wait(everything=True)


@pytest.mark.parametrize("lacking", ["trigger", "table"])
def test_without_the_trigger_it_looks_by_itself(postgres_server: BareServer, postgres_url: str, lacking: str) -> None:
    with another_desktop(postgres_url) as run:
        opened = connect(postgres_url)
        migrator(opened).apply()
        opened.close()
        if lacking == "trigger":
            run("DROP TRIGGER cts_connection_changed ON exchange_connections")
        else:
            run("ALTER TABLE exchange_connections DISABLE TRIGGER ALL")
        run(insert("kept", "changed", "removed"))
        with listening(postgres_url, Mode.POLLING) as (listener, heard):
            assert "trigger" in listener.reason
            run("UPDATE exchange_connections SET note = 'the revision stays' WHERE id = 'changed'")
            heard.wait("changed")
            run(f"BEGIN; DELETE FROM exchange_connections WHERE id = 'removed'; {insert('new')}; COMMIT")
            heard.wait("removed", "new")


@pytest.mark.parametrize("kind", POOLERS)
def test_behind_a_pooler_it_notices_that_nothing_would_come(migrated_postgres_url: str, kind: str) -> None:
    with (
        pooled(migrated_postgres_url, kind) as url,
        listening(url, Mode.POLLING) as (listener, heard),
        another_desktop(migrated_postgres_url) as run,
    ):
        assert "pooler" in listener.reason
        began = time.monotonic()
        run(insert("a"))
        assert heard.wait("a") - began < 1


def test_after_its_session_broke_it_listens_again(postgres_server: BareServer, migrated_postgres_url: str) -> None:
    with listening(migrated_postgres_url) as (listener, heard), another_desktop(migrated_postgres_url) as run:
        run(TERMINATE)
        heard.wait(everything=True)
        wait_until(lambda: listener.mode is Mode.LISTENING)
        run(insert("later"))
        heard.wait("later")


def test_it_ends_within_a_second_whatever_the_server_does(migrated_postgres_url: str) -> None:
    server = BareServer()
    server.start()
    try:
        opened = connect(server.url())
        migrator(opened).apply()
        opened.close()
        listener = Listener(parse_address(server.url()), lambda _: None)
        listener.start()
        wait_until(lambda: listener.mode is Mode.LISTENING)
        connecting = Listener(parse_address(server.url()), lambda _: None)
        server.freeze()
        connecting.start()
        time.sleep(0.2)
        began = time.monotonic()
        assert listener.close()
        assert connecting.close()
        assert time.monotonic() - began < 2
    finally:
        server.destroy()
