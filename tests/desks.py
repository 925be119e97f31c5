"""Several desktops on one real PostgreSQL: each reaches it by a way of its own, which can be cut and mended."""

import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import psycopg2

from models.problem import StoreError
from models.secret import Secret
from models.status import Backend, StoreState
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from storage.postgresql.session import Pace
from storage.target import Target
from tests.bare_postgres import PASSWORD, BareServer
from tests.store_kit import Kit

_numbers = count(1)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Office:
    """One database that several desks share. Begin it with `template`, which holds the migrated tables."""

    def __init__(self, server: BareServer, folder: Path, template: str) -> None:
        self.server = server
        self.folder = folder
        self.name = f"office_{next(_numbers)}"
        server.sql(f'CREATE DATABASE "{self.name}" TEMPLATE "{template}"')
        self.session = psycopg2.connect(
            host="127.0.0.1", port=server.port, dbname=self.name, user="postgres", password=PASSWORD
        )
        self.session.autocommit = True
        self.desks: list[Desk] = []

    def desk(self, **options: Any) -> "Desk":
        self.desks.append(Desk(self, f"desk{len(self.desks) + 1}", options))
        return self.desks[-1]

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self.session.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        for desk in self.desks:
            desk.kit.store.close()
        self.session.close()
        self.server.sql(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        shutil.rmtree(self.folder, ignore_errors=True)


class Seat:
    """A store in a folder of its own, whose clock only goes on in `settle`.

    It reaches the server's `database` through `way`: a link to the folder of its socket, to be cut and mended.
    """

    def __init__(self, folder: Path, name: str, database: str, port: int, **options: Any) -> None:
        self.name = name
        self.clock = Clock()
        self.way = folder / name
        self._address = f"postgresql:///{database}?host={self.way}&port={port}&application_name={name}"
        self._root = folder / f"{name}-data"
        self._options = {"user": "postgres", "password": PASSWORD, **options}
        self.kit = self.open()

    def target(self) -> Target:
        address = parse_address(f"{self._address}&user={self._options['user']}")
        return Target(Backend.POSTGRESQL, address.with_password(Secret(self._options["password"])))

    def open(self) -> Kit:
        options = {"passphrase": lambda: Secret("a few shared words"), **self._options}
        del options["user"], options["password"]
        return Kit(self._root, fresh=True, device=self.name, target=self.target, clock=self.clock, **options)

    def settle(self) -> None:
        """Let time pass until it is back on the database."""
        for _ in range(8):
            self.hurry()
            self.clock.now += 70
            self.kit.store.poll()
            if self.kit.state() is StoreState.ONLINE and self.kit.store.status.backend is Backend.POSTGRESQL:
                # What others changed is heard by the next look.
                self.kit.store._machine.sharing._heard(None)
                self.kit.store.poll()
                return
        raise AssertionError(f"{self.name} does not come back: {self.kit.store.status}")

    def hurry(self) -> None:
        """Take the pace of connects away: it is real time, and has tests of its own."""
        home = self.kit.store._home
        home.pace = Pace(0.0, 1000)
        if isinstance(home.database, PostgresDatabase):
            home.database.pace = home.pace

    def try_to(self, call: Any) -> Any:
        """Return what a call returns, or the StoreError that it raised."""
        self.hurry()
        try:
            return call()
        except StoreError as error:
            return error


class Desk(Seat):
    """One of an office."""

    def __init__(self, office: Office, name: str, options: dict[str, Any]) -> None:
        self.office = office
        self.way = office.folder / name
        self.mend()
        super().__init__(office.folder, name, office.name, office.server.port, **options)

    @property
    def is_cut(self) -> bool:
        return not self.way.exists()

    def cut(self) -> None:
        """Break its sessions, and the way to new ones."""
        with suppress(FileNotFoundError):
            self.way.unlink()
        self.office.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", self.name
        )

    def mend(self) -> None:
        if not self.way.is_symlink():
            self.way.symlink_to(self.office.server.folder)

    def crash(self) -> None:
        """End without closing anything, and start again: only what is on the disk is left."""
        store = self.kit.store
        store._home.interrupt()
        store._home.let_go()
        # A thread of a program that is gone writes nothing.
        store._journal.records._upkeep._closing = True
        self.kit = self.open()
