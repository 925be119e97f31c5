"""Open the database file whatever state it is in: new, good, damaged, emptied. Nothing is thrown away."""

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from models.problem import Category, Problem, StoreError
from models.status import Backup
from storage.atomic_file import fsync_folder, temporary_beside
from storage.backup import newest_good, restore
from storage.data_folder import DataFolder
from storage.database import Database, Place, has_table, moved_problem
from storage.diagnosis import problem_for
from storage.quarantine import put_away, utc_stamp

if TYPE_CHECKING:
    from storage.refill import Known

_COUNT = "SELECT count(*) FROM exchange_connections"


class Opened(NamedTuple):
    """An open database. `problem` tells of a restoration or of why it is read-only; `integrity` is SQLite's word."""

    database: Database
    integrity: str
    problem: Problem | None = None


def open_file(folder: DataFolder, *, read_only: bool, patience: float) -> Opened:
    """Open `folder.database`; a damaged one is kept in quarantine and rebuilt. Raises StoreError.

    An empty file, or none, is a new database only where neither the record files nor a backup hold connections of an
    older one: EMPTY_DB asks otherwise.
    """
    path = folder.database
    with contextlib.suppress(OSError):
        _ask_about_emptiness(folder, path)
    write_protected = None if read_only else why_not_writable(path)
    read_only = read_only or write_protected is not None
    try:
        database, integrity = _open_checked(path, read_only=read_only, patience=patience)
    except StoreError as error:
        if error.problem.category is not Category.CORRUPT or read_only:
            raise
        return _rebuild(folder, patience)
    return Opened(database, integrity, write_protected)


def why_not_writable(path: Path) -> Problem | None:
    """Return the Problem of a file or a folder that this user cannot write, None where both can be written."""
    if path.exists() and not os.access(path, os.W_OK):
        return problem_for("NOT_WRITABLE", where=str(path))
    if path.parent.is_dir() and not os.access(path.parent, os.W_OK):
        return problem_for("NOT_WRITABLE.folder", where=str(path))
    return None


def start_empty(folder: DataFolder) -> None:
    """Make an empty database in the place of a missing or emptied one, because a person said so."""
    path = folder.database
    if path.exists():
        put_away(path, folder.quarantine)
    with Database.open_sqlite(path).write() as connection:
        # One written page tells a database that was begun on purpose from a file that lost its content.
        connection.execute("PRAGMA user_version = 1")


class Recovered(NamedTuple):
    """What became of a moved file. `same` says that the content is what it was, so that a write may be tried again."""

    problem: Problem
    same: bool


def recover_moved(database: Database, folder: DataFolder) -> Recovered:
    """Save what the open file holds after its name was lost, and make the path openable again; closes `database`.

    Deleted, or replaced by something that is no database of ours: the open file's content takes its place again.
    Replaced by another database: that one stays, and the open file's content is kept in quarantine.
    """
    path, place = database.path, database.place()
    if place is Place.FOLDER_GONE:
        raise StoreError(moved_problem(path, place))
    copy = temporary_beside(path)
    try:
        database.save_copy(copy)
        database.close()
        count = _count(copy)
        if place is Place.REPLACED and _holds_connections(path):
            kept = folder.quarantine / f"{utc_stamp()}-{path.name}"
            folder.quarantine.mkdir(mode=0o700, exist_ok=True)
            copy.rename(kept)
            return Recovered(_replaced(path, kept), same=False)
        if path.exists():
            put_away(path, folder.quarantine)
        copy.rename(path)
        fsync_folder(path.parent)
        return Recovered(_written_again(path, place, count), same=True)
    finally:
        copy.unlink(missing_ok=True)


def _open_checked(path: Path, *, read_only: bool, patience: float) -> tuple[Database, str]:
    database = Database.open_sqlite(path, read_only=read_only, patience=patience)
    try:
        integrity = database.quick_check()
        if integrity != "ok":
            raise StoreError(problem_for("CORRUPT", where=str(path), detail="quick_check"))
    except BaseException:  # whatever it is: it goes on, and no file stays open
        database.close()
        raise
    return database, integrity


def _ask_about_emptiness(folder: DataFolder, path: Path) -> None:
    missing = not path.exists() and path.parent.is_dir()
    if not missing and not (path.is_file() and path.stat().st_size == 0):
        return
    from storage.refill import known

    records, backup = known(folder), newest_good(folder.backups)
    if backup is not None and not backup.connections:
        backup = None
    if backup is not None or records.connections or records.waiting:
        raise StoreError(_empty_problem(path, records, backup, missing=missing))


def _rebuild(folder: DataFolder, patience: float) -> Opened:
    from storage.rescue import rescue

    path = folder.database
    backup = newest_good(folder.backups)
    if backup is None:
        damaged = put_away(path, folder.quarantine)
        restored = 0
    else:
        before = set(_listing(folder.quarantine))
        restored = restore(Path(backup.path), path, folder.quarantine)
        new = sorted(each for each in set(_listing(folder.quarantine)) - before if each.suffix == ".db")
        damaged = new[0] if new else path
    database, integrity = _open_checked(path, read_only=False, patience=patience)
    rescued = rescue(damaged, database) if backup is not None else 0
    return Opened(database, integrity, _rebuilt(path, damaged, backup, restored, rescued))


def _listing(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _holds_connections(path: Path) -> bool:
    try:
        database = Database.open_sqlite(path, patience=1.0)
    except StoreError:
        return False
    try:
        with database.hold() as connection:
            return database.quick_check() == "ok" and has_table(connection, "exchange_connections")
    except StoreError:
        return False
    finally:
        database.close()


def _count(path: Path) -> int:
    database = Database.open_sqlite(path, read_only=True)
    try:
        with database.hold() as connection:
            return int(connection.execute(_COUNT).fetchone()[0]) if has_table(connection, "exchange_connections") else 0
    finally:
        database.close()


def _when(backup: Backup) -> str:
    """Return when a backup was made, as a person reads it."""
    return datetime.fromisoformat(backup.made_at).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _many(count: int) -> str:
    return f"{count:,} connection{'' if count == 1 else 's'}"


def _changes(count: int) -> str:
    return f"{count:,} change{' that waits' if count == 1 else 's that wait'}"


def _empty_problem(path: Path, records: "Known", backup: Backup | None, *, missing: bool) -> Problem:
    """Ask where the connections are to come from, naming the buttons of the window and the commands."""
    held, buttons, commands = [], [], []
    if records.connections or records.waiting:
        waits = f", with {_changes(records.waiting)}" if records.waiting else ""
        held.append(f"the record files in data/connections hold {_many(records.connections)}{waits}")
        buttons.append("“Use the records”")
        commands.append("restore records --yes")
    if backup is not None:
        held.append(f"the backup of {_when(backup)} holds {_many(backup.connections)}")
        buttons.append("a backup")
        commands.append(f"restore {backup.path} --yes")
    return Problem(
        Category.EMPTY_DB,
        f"{path} {'is missing' if missing else 'is empty'}, but {', and '.join(held)}. Nothing was changed.",
        f"Choose {', '.join(buttons)} or “Start empty” on the Database page.",
        by_command=f"Use a command: {', '.join(['restore nothing --yes', *commands[:-1]])} or {commands[-1]}",
    )


def _rebuilt(path: Path, damaged: Path, backup: Backup | None, restored: int, rescued: int) -> Problem:
    if backup is None:
        what = "There is no backup yet, so a new database was made"
    else:
        what = f"{_many(restored)} restored from the backup of {_when(backup)}"
        if rescued:
            what += f", {rescued:,} newer from the damaged file itself"
    return Problem(
        Category.CORRUPT,
        f"{path.name} was damaged. {what}.",
        f"Look through the list. The damaged file is kept in quarantine as {damaged.name}.",
    )


def _replaced(path: Path, kept: Path) -> Problem:
    problem = moved_problem(path, Place.REPLACED)
    return problem._replace(text=f"{problem.text} What it held before is kept in quarantine as {kept.name}.")


def _written_again(path: Path, place: Place, count: int) -> Problem:
    problem = moved_problem(path, place)
    return problem._replace(
        text=f"{problem.text} It was written again with all that it held: {_many(count)}. Nothing was lost.",
        solution="Leave the data folder as it is while the program runs.",
    )
