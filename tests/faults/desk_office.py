"""An office of desks that are processes (desk_process.py) on one database: what they are told, and what they say."""

import os
import shutil
import subprocess
import sys
import tempfile
from itertools import count
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any, Final

import psycopg2

from tests.bare_postgres import BareServer
from tests.faults.desk_ledger import AUDIT, Ledger

LOGIN: Final = ("desk", "a cheap login")


_TABLES: Final = (
    *("exchange_connections", "deleted_connections", "applied_operations", "conflicts"),
    *("audit", "conflict_audit"),
)


class Nursery:
    """Forks desks from one process that has imported the program."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "door")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.desk_process", self._path],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def pipe(self) -> Pipe:
        link = socket(AF_UNIX)
        link.connect(self._path)
        return Pipe(link.detach())

    def close(self) -> None:
        # Its input ends, and so does it.
        self._process.communicate(timeout=10)


class Office:
    """One database that is emptied for every schedule, because to make one takes longer than to live through one."""

    def __init__(self, server: BareServer, template: str) -> None:
        self.server = server
        self.home = Path(tempfile.mkdtemp(prefix="cts-desks-", dir=_memory()))
        self.name = f"desktops_{os.getpid()}"
        server.sql(f'CREATE DATABASE "{self.name}" TEMPLATE "{template}"')
        server.sql(AUDIT, database=self.name)
        # The logins are real ones, with a password that costs a desk no 4096 rounds each.
        server.sql("SET scram_iterations = 1", f"CREATE ROLE {LOGIN[0]} SUPERUSER LOGIN PASSWORD '{LOGIN[1]}'")
        self.session = psycopg2.connect(server.url(self.name))
        self.session.autocommit = True
        self.nursery = Nursery(self.home)
        self.desks: list[Desk] = []
        self._numbers = count()

    def begin(self, how_many: int, ledger: Ledger) -> "list[Desk]":
        """Return desks that know nothing, before an empty database."""
        if next(self._numbers) % 25 == 0:
            # To make files anew takes ten times as long as to leave a few dead rows in them.
            self.rows(f"TRUNCATE {', '.join(_TABLES)}")
        self.rows(";".join(f"DELETE FROM {table}" for table in _TABLES))
        for desk in self.desks[:how_many]:
            desk.begin_anew(ledger)
        while len(self.desks) < how_many:
            self.desks.append(Desk(self, f"desk{len(self.desks) + 1}", ledger))
        return self.desks[:how_many]

    def end(self) -> None:
        """End the desks of a schedule that failed: what is left of it must not be there in the next."""
        while self.desks:
            self.desks.pop().close()

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self.session.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        self.end()
        self.nursery.close()
        self.session.close()
        self.server.sql(f'DROP DATABASE "{self.name}" WITH (FORCE)', f"DROP ROLE {LOGIN[0]}")
        shutil.rmtree(self.home, ignore_errors=True)


def _memory() -> str | None:
    """Return where files cost no disk: it is kills that these desks survive, not power cuts."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


class Desk:
    """A desk's process, as whoever gives the orders sees it."""

    def __init__(self, office: Office, name: str, ledger: Ledger) -> None:
        self.name = name
        self._office = office
        self._ledger = ledger
        self._way = office.home / name
        self._dies = False
        self.mend()
        self.start()

    def start(self) -> None:
        self._pipe = self._office.nursery.pipe()
        self._pipe.send((str(self._office.home), self.name, self._office.name, self._office.server.port, *LOGIN))
        assert self.answer() is None

    def begin_anew(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.ask("begin_anew")

    def ask(self, word: str, *given: Any) -> Any:
        """Let it do something and return its answer; where it was killed over it, start it anew."""
        self.tell(word, *given)
        return self.answer()

    def tell(self, word: str, *given: Any) -> None:
        self._pipe.send((word, *given))

    def answer(self, *, at_once: bool = False) -> Any:
        values: dict[str, str] = {}
        try:
            while (message := self._pipe.recv())[0] == "will":
                self._ledger.will(*message[1:], at_once=at_once)
                kind, values = message[1], message[4]
                if kind == "resolve":
                    values = {}
        except (EOFError, ConnectionError):
            assert self._dies, f"{self.name} ended by itself"
            self._pipe.close()
            self.start()
            return None
        assert message[0] == "done", message[1]
        for record in message[1] if values else ():
            self._ledger.saved(self.name, record, values)
        return message[1]

    def killed_over(self, moment: int, word: str, *given: Any) -> None:
        """Let it do something, and be killed at the moment of that number if it comes to it."""
        self.ask("die_at", moment)
        self._dies = True
        self.ask(word, *given)
        self._dies = False
        self.ask("die_at", 0)

    def cut(self) -> None:
        """Break its sessions, and the way to new ones."""
        self._way.unlink(missing_ok=True)
        self._office.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", self.name
        )

    def mend(self) -> None:
        if not self._way.is_symlink():
            self._way.symlink_to(self._office.server.folder)

    def settle(self) -> None:
        self.mend()
        self.ask("settle")

    def close(self) -> None:
        """Leave it to end, and take its folder away."""
        self._pipe.close()
        shutil.rmtree(self._office.home / f"{self.name}-data", ignore_errors=True)
