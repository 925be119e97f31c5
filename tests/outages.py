"""Desktops that live through outages of a real PostgreSQL: real threads, real time, nobody helps them back."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from models.connection import Connection
from models.event import Notice
from models.problem import Category
from models.status import Backend, StoreState
from storage.migrator.runner import Migrator
from storage.postgresql.address import parse_address
from storage.target import Target
from tests.bare_postgres import BareServer, wait_until
from tests.databases import connect
from tests.store_kit import MIGRATIONS, Kit

BACK_SECONDS = 20.0
"""Two good probes 2 s apart after a back-off that has grown; generous, because the machine may be busy."""
CLOSE_SECONDS = 4.0
"""For what must take 3 s."""
TEMPLATE = "outage_template"
_numbers = count(1)
_log = logging.getLogger("storage")


@contextmanager
def outage_server(**settings: str) -> Iterator[BareServer]:
    """A server to be maltreated, with a migrated database to copy."""
    server = BareServer(primary=None, **settings)
    try:
        server.start()
        server.sql(f"CREATE DATABASE {TEMPLATE}")
        raw = connect(server.url(TEMPLATE))
        Migrator(raw, MIGRATIONS, backup=lambda: None).apply()
        raw.close()
        yield server
    finally:
        server.thaw()
        server.destroy()


class Shared:
    """One database on the server, and the desks on it."""

    def __init__(self, server: BareServer, folder: Path) -> None:
        self.server = server
        self.name = f"shared_{next(_numbers)}"
        self._folder = folder
        self._desks: list[LiveDesk] = []
        self._errors = _Errors()
        _log.addHandler(self._errors)
        server.sql(f'CREATE DATABASE "{self.name}" TEMPLATE {TEMPLATE}')
        self.sql("UPDATE store_identity SET database_id = gen_random_uuid()::text")

    def url(self, place: str = "", **login: str) -> str:
        """Return its URL, by way of a proxy at `place` (host:port) if there is one."""
        url = self.server.url(self.name, **login)
        return url.replace(f"127.0.0.1:{self.server.port}", place) if place else url

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        return self.server.sql(*statements, database=self.name)

    def names(self) -> list[str]:
        """Return what the database itself holds, asked as its administrator."""
        return [str(name) for (name,) in self.sql("SELECT name FROM exchange_connections ORDER BY name")]

    def backends(self) -> list[int]:
        """Return the server's processes that serve our program."""
        found = self.server.sql(
            "SELECT pid FROM pg_stat_activity"
            f" WHERE application_name = 'cts-connections' AND datname = '{self.name}' ORDER BY pid"
        )
        return [int(str(pid)) for (pid,) in found]

    def end_sessions(self) -> None:
        """Do what an administrator does to get rid of everybody."""
        self.server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'")

    def desk(self, name: str = "desk", url: str = "", **options: Any) -> "LiveDesk":
        """Start a desk in the folder of that name, and wait until it is on the database unless told otherwise."""
        desk = LiveDesk(self._folder / name, url or self.url(), name, **options)
        self._desks.append(desk)
        return desk

    def close(self) -> None:
        """Close every desk, in time; nothing may have gone wrong behind them meanwhile."""
        for desk in self._desks:
            began = time.monotonic()
            desk.store.close()
            assert time.monotonic() - began < CLOSE_SECONDS, f"{desk.name} took too long to close"
        _log.removeHandler(self._errors)
        assert self._errors.said == []


class _Errors(logging.Handler):
    """Keeps what the log calls an error: a thread that outlives a bug must not hide it from a test."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(logging.Formatter().format(record))


class LiveDesk(Kit):
    """A store whose own thread keeps it. `url` may be changed; `store.retry()` then takes it."""

    def __init__(self, root: Path, url: str, name: str, **options: Any) -> None:
        self.url = url
        self.name = name
        super().__init__(
            root, fresh=True, device=name, **{"target": self.target, "watch": True, "connect_wait": 15.0, **options}
        )

    def target(self) -> Target:
        return Target(Backend.POSTGRESQL, parse_address(self.url))

    @property
    def is_home(self) -> bool:
        status = self.store.status
        return (status.state, status.backend) == (StoreState.ONLINE, Backend.POSTGRESQL)

    @property
    def is_away(self) -> bool:
        status = self.store.status
        return (status.state, status.backend) == (StoreState.FALLBACK, Backend.JSON)

    def category(self) -> Category | None:
        problem = self.problem
        return problem.category if problem else None

    def wait_home(self, seconds: float = BACK_SECONDS) -> None:
        """Wait until it is back by itself, with nothing waiting."""
        try:
            wait_until(lambda: self.is_home and not self.store.status.waiting, seconds)
        except AssertionError as error:
            raise AssertionError(f"not back: {self.store.status}") from error

    def come_home(self) -> None:
        """Come back because a person asks, who need not wait for two good probes, with nothing waiting."""
        self.store.retry()
        self.wait_home()

    def wait_away(self, seconds: float = 10.0) -> None:
        try:
            wait_until(lambda: self.is_away, seconds)
        except AssertionError as error:
            raise AssertionError(f"never noticed: {self.store.status}") from error

    def get(self, name: str) -> Connection:
        (found,) = self.store.repository.find(name)
        connection = self.store.repository.get(found)
        assert connection is not None
        return connection

    def edit(self, name: str, **fields: Any) -> None:
        (found,) = self.store.repository.find(name)
        self.connections.edit(found, fields)

    def notices(self) -> list[str]:
        """Return the sentences that a person was told."""
        return [event.text for event in self.heard if isinstance(event, Notice)]

    def warnings(self) -> list[str]:
        return [event.text for event in self.heard if isinstance(event, Notice) and event.level == "warning"]
