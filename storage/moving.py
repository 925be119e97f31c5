"""All records from one database into another: copied in one transaction, compared one by one, and only then counted.

The source is only read. Killed at any moment, the target has nothing or everything, and a second run knows its own
first one by the database's identity.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from models.moving import MoveProgress, TargetState
from models.problem import Category, MigrationError, Problem, StoreError
from storage.backup import restore
from storage.data_folder import DataFolder
from storage.database import Database
from storage.diagnosis import diagnose
from storage.migrator.runner import Migrator, needs_newer_program
from storage.open_database import OpenDatabase
from storage.whole.snapshot import Snapshot, Table, reading, writing
from storage.whole.tally import Tally, digests, tally
from storage.whole.tokens import Renew, renewed
from storage.whole.values import Row, digest

Watch = Callable[[MoveProgress], None]
"""Told how far it is; what it raises ends the move, and nothing has changed."""

_CONNECTIONS: Final = "exchange_connections"
# Tables that a database has of its own from the first migration on, or that are settled by themselves.
_OWN_FROM_THE_START: Final = frozenset({"system_settings", "store_identity", "vault_keys"})
_NOT_COPIED: Final = frozenset({"store_identity", "vault_keys"})


class Survey(NamedTuple):
    """What a database holds: rows by table, and its identity."""

    rows: dict[str, int]
    database_id: str
    epoch: int

    @property
    def connections(self) -> int:
        return self.rows.get(_CONNECTIONS, 0)

    @property
    def is_fresh(self) -> bool:
        return not any(count for name, count in self.rows.items() if name not in _OWN_FROM_THE_START)

    @property
    def to_copy(self) -> int:
        return sum(count for name, count in self.rows.items() if name not in _NOT_COPIED)

    def state_for(self, source: "Survey") -> TargetState:
        """Return what this database is for a move from `source`."""
        if self.is_fresh:
            return TargetState.EMPTY
        own = (self.database_id, self.epoch) == (source.database_id, source.epoch + 1)
        return TargetState.EARLIER if own else TargetState.OCCUPIED


class Copied(NamedTuple):
    """What was copied: the rows that were compared, the names of what stayed as it was, the tables left out."""

    connections: int
    rows: int
    kept: tuple[str, ...]
    left_out: tuple[str, ...]


def survey(database: OpenDatabase) -> Survey:
    """Count what a migrated database holds. Raises StoreError."""
    with reading(database) as snapshot:
        return _survey(snapshot)


def ready(database: OpenDatabase, migrations: Path) -> None:
    """Bring the tables of a target up to date. Raises MigrationError or StoreError."""
    items = Migrator(database, migrations, backup=lambda: None).apply()
    problem = next((item.problem for item in items if item.problem), None)
    if problem is None and needs_newer_program(items):
        problem = Problem(Category.SCHEMA, "A newer version of the program uses that database.", "Update the program.")
    if problem is not None:
        raise MigrationError(problem)


def copy_store(
    source: OpenDatabase, target: OpenDatabase, *, renew: Renew | None = None, watch: Watch = lambda _progress: None
) -> Copied:
    """Copy everything in one transaction and compare it; `renew` seals each secret for the target's vault.

    Raises StoreError: CONSTRAINT where the target holds something else, or what kept a value or the database from it;
    then the target is as it was.
    """
    alone = not source.read_only
    with reading(source, alone=alone) as old, writing(target) as new:
        if new.dialect == "postgresql":
            new.run("LOCK TABLE exchange_connections IN SHARE ROW EXCLUSIVE MODE")
        here, there = _survey(old), _survey(new)
        state = there.state_for(here)
        if state is TargetState.OCCUPIED:
            raise StoreError(occupied(target.location, there))
        copied = _Copier(old, new, here, renew, watch).run(merging=state is TargetState.EARLIER)
        new.run("UPDATE store_identity SET database_id = ?, epoch = ?", (here.database_id, here.epoch + 1))
        watch(MoveProgress("storing", here.to_copy, here.to_copy))
    return copied


@contextlib.contextmanager
def new_sqlite(folder: DataFolder, migrations: Path) -> Iterator[OpenDatabase]:
    """Give a new SQLite database that takes the place of cts.db at the end; what was there goes to quarantine.

    Nobody may have cts.db open. The change is one rename; an exception leaves everything as it was.
    """
    workshop = folder.root / ".moving"
    try:
        # What a killed move left is of no use: this one begins from the source again.
        shutil.rmtree(workshop, ignore_errors=True)
        workshop.mkdir(mode=0o700)
        path = workshop / "cts.db"
        database = Database.open_sqlite(path)
        try:
            ready(database, migrations)
            yield database
        finally:
            database.close()
        restore(path, folder.database, folder.quarantine)
    except OSError as error:
        raise StoreError(diagnose(error, where=str(folder.root))) from error
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def occupied(location: str, there: Survey) -> Problem:
    noun = "connection" if there.connections == 1 else "connections"
    return Problem(
        Category.CONSTRAINT,
        f"{location} is not empty: it holds {there.connections:,} {noun} of another database. Nothing was changed.",
        "Choose an empty database; to bring records into one that is in use, export and import them.",
    )


def _survey(snapshot: Snapshot) -> Survey:
    identity = snapshot.run("SELECT database_id, epoch FROM store_identity").fetchone()
    rows = {name: snapshot.count(name) for name in snapshot.tables()}
    return Survey(rows, str(identity[0]), int(identity[1]))


class _Copier:
    """One run. Rows are compared in the form in which they were sent."""

    def __init__(self, old: Snapshot, new: Snapshot, here: Survey, renew: Renew | None, watch: Watch) -> None:
        self._old = old
        self._new = new
        self._here = here
        self._renew = renew
        self._watch = watch
        self._done = 0
        self._kept: dict[str, str] = {}

    def run(self, *, merging: bool) -> Copied:
        ours, theirs = self._old.tables(), self._new.tables()
        common = [name for name in ours if name in theirs and name not in _NOT_COPIED]
        for name in common:
            table = _common(ours[name], theirs[name])
            if not merging or name == "system_settings":
                self._fill(table)
            elif name == _CONNECTIONS:
                self._merge_connections(table)
            else:
                self._add(table)
        self._new.advance_sequences(common)
        left_out = tuple(sorted(ours.keys() - theirs.keys()))
        return Copied(self._here.connections, self._done, tuple(self._kept.values()), left_out)

    def _rows(self, table: Table) -> Iterator[list[Row]]:
        for rows in self._old.rows(table):
            yield rows if self._renew is None else [renewed(table, row, self._renew) for row in rows]
            self._done += len(rows)
            self._watch(MoveProgress(table.name, self._done, self._here.to_copy))

    def _fill(self, table: Table) -> None:
        self._new.run(f'DELETE FROM "{table.name}"')  # noqa: S608 - both databases have a table of this name
        sent = Tally()
        for rows in self._rows(table):
            sent.add(rows)
            self._new.insert(table, rows)
        if tally(self._new, table) != sent:
            raise StoreError(_differs(table.name))

    def _add(self, table: Table) -> None:
        """Add what an earlier attempt does not have; what is there under the same key has gone its own way."""
        before = self._new.count(table.name)
        missing = 0
        there = {digest(row) for rows in self._new.rows(table) for row in rows}
        for rows in self._rows(table):
            wanted = [row for row in rows if digest(row) not in there]
            missing += len(wanted)
            self._new.insert(table, wanted, or_leave=True)
        if not before <= self._new.count(table.name) <= before + missing:
            raise StoreError(_differs(table.name))

    def _merge_connections(self, table: Table) -> None:
        """Take the newer of each connection, by revision; one that was deleted here since goes there, too."""
        place = {name: table.names.index(name) for name in ("id", "name", "revision")}
        there = {row[place["id"]]: row for rows in self._new.rows(table) for row in rows}
        sent: dict[Any, bytes] = {}
        new: list[Row] = []
        for rows in self._rows(table):
            for row in rows:
                known = there.pop(row[place["id"]], None)
                if known is None or known[place["revision"]] < row[place["revision"]]:
                    new.append(row)
                elif known != row:
                    self._kept[row[place["id"]]] = str(known[place["name"]])
                    continue
                sent[row[place["id"]]] = digest(row)
        for row in new:
            self._delete(row[place["id"]])
        self._forget_deleted(there, place["revision"])
        self._new.insert(table, new)
        found = digests(self._new, table)
        if any(found.get(each) != wanted for each, wanted in sent.items()):
            raise StoreError(_differs(table.name))

    def _forget_deleted(self, there: dict[Any, Row], revision: int) -> None:
        for each, last in self._old.run("SELECT id, revision FROM deleted_connections").fetchall():
            if each in there and there[each][revision] <= last:
                self._delete(each)

    def _delete(self, connection_id: str) -> None:
        self._new.run("DELETE FROM exchange_connections WHERE id = ?", (connection_id,))


def _common(ours: Table, theirs: Table) -> Table:
    there = set(theirs.names)
    return ours._replace(columns=tuple(column for column in ours.columns if column[0] in there))


def _differs(table: str) -> Problem:
    return Problem(
        Category.CORRUPT,
        f"The table {table} was not the same after it was copied. Nothing was changed.",
        "Try again; if it stays, check the disks of both databases.",
        table,
    )
