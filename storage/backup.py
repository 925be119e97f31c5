"""Verified backups of the SQLite database: made by SQLite itself, opened again and counted before they get a name."""

import os
import re
import stat
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from models.problem import Category, CtsError, StoreError
from models.status import Backup
from storage.atomic_file import fsync_folder, sweep, temporary_beside
from storage.backup_spread import superfluous
from storage.diagnosis import diagnose, problem_for
from storage.quarantine import COMPANIONS, put_away, utc_stamp

if TYPE_CHECKING:
    import sqlite3

TAKE_OVER = "take-over"
CLOSE = "close"
COMMAND_INTERVAL = 600.0
PROTECTED = {TAKE_OVER}
"""Reasons whose backups are never pruned: the take-over's own is the only copy of what was there before us."""

EXPORT_ENDING = ".jsonl.gz"
"""Ends the name of a backup of a PostgreSQL; see storage.export_backup."""

_NAME = re.compile(r"(\d{4,9})-(\d{8}T\d{6}Z)-([a-z][a-z-]*)-(\d+)(?:\.db|\.jsonl\.gz)", re.ASCII)
_REASON = re.compile(r"[a-z]+(?:-[a-z]+)*", re.ASCII)
_WAIT_SECONDS = 10.0


class _Listed(NamedTuple):
    """A backup as its name tells it. The number gives the order: clocks are set back, numbers are not."""

    number: int
    backup: Backup


def make_backup(database: Path, folder: Path, reason: str, keep: int = 5, *, wait: float = _WAIT_SECONDS) -> Backup:
    """Copy the database as it is now, prove that the copy is good, and thin out those made for its reason to `keep`.

    `reason` is words of small letters joined by "-". A database that another program holds is waited for `wait`
    seconds. Raises StoreError: BUSY, CORRUPT, DISK_FULL..., or EMPTY_DB where there is no table to back up.
    """
    check_reason(reason)

    def write(temporary: Path) -> int:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _copy(database, temporary, time.monotonic() + wait)
        connections = verify(temporary)
        _fsync(temporary)
        return connections

    try:
        return keep_backup(folder, reason, keep, ".db", write)
    except CtsError:
        raise
    except Exception as error:
        # Whatever the database, the disk or the copy raised: a person is told which, as a Problem.
        problem = diagnose(error, where=database.name, path=database)
        if isinstance(error, OSError) or problem.category is Category.DISK_FULL:
            problem = diagnose(error, where=str(folder))
        raise StoreError(problem) from error


def keep_backup(folder: Path, reason: str, keep: int, ending: str, write: Callable[[Path], int]) -> Backup:
    """Let `write` make and prove a file (it returns its connections), give the file its name, and thin out."""
    check_reason(reason)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A copy that a kill left unfinished may hold the secrets of an old database in clear.
    sweep(folder)
    temporary = temporary_beside(folder / f"backup{ending}")
    try:
        backup = _publish(temporary, folder, reason, write(temporary), ending)
    finally:
        _remove_with_companions(temporary)
    _prune(folder, keep)
    return backup


def check_reason(reason: str) -> None:
    if not _REASON.fullmatch(reason):
        raise ValueError("a backup's reason is small letters and dashes")


def close_backup_due(folder: Path, *, by_command: bool = False) -> bool:
    """Tell whether closing is worth a backup, given that something changed since the last one.

    Commands follow one another by the second: one backup in ten minutes is enough for them.
    """
    if not by_command:
        return True
    last = next((backup for backup in list_backups(folder) if backup.reason == CLOSE), None)
    if last is None:
        return True
    age = (datetime.now(UTC) - datetime.fromisoformat(last.made_at)).total_seconds()
    return not 0 <= age < COMMAND_INTERVAL


def list_backups(folder: Path) -> list[Backup]:
    """Return the backups, newest first, from their names alone. Anything else in the folder is left out."""
    return [listed.backup for listed in _listed(folder)]


def newest_good(folder: Path) -> Backup | None:
    """Return the newest backup that opens, passes SQLite's check and has connections' table; None if there is none."""
    for backup in list_backups(folder):
        if backup.path.endswith(EXPORT_ENDING):
            continue
        with suppress(StoreError):
            return backup._replace(connections=verify(Path(backup.path), ours=True))
    return None


def verify(path: Path, *, ours: bool = False) -> int:
    """Check a database file that nobody uses, and return how many connections it holds. Raises StoreError.

    `ours`: a file without their table is refused; it was made by another program.
    """
    import sqlite3

    try:
        with closing(_open(path, "ro")) as connection:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()
            if answer is None or answer[0] != "ok":
                raise StoreError(problem_for("CORRUPT", where=path.name, detail="quick_check"))
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables:
                raise StoreError(problem_for("EMPTY_DB", where=path.name))
            if "exchange_connections" not in tables:
                if ours:
                    raise StoreError(problem_for("BAD_FILE.another", where=path.name))
                return 0
            return int(connection.execute("SELECT count(*) FROM exchange_connections").fetchone()[0])
    except (sqlite3.Error, OSError) as error:
        raise StoreError(diagnose(error, where=path.name, path=path)) from error


def restore(backup: Path, database: Path, quarantine: Path) -> int:
    """Put a copy of `backup` in the place of `database`, which nobody may have open; return its connections.

    What is there now goes to `quarantine` with its journals. The change is one rename: killed at any moment, there is
    the old database or the new one. Raises StoreError; then the old one is in its place.
    """
    temporary = temporary_beside(database)
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            connections = _taken(backup, temporary)
            _fsync(temporary)
            if any(os.path.lexists(database.with_name(database.name + end)) for end in ("", *COMPANIONS)):
                put_away(database, quarantine, leave=True)
            temporary.replace(database)
            fsync_folder(database.parent)
        finally:
            _remove_with_companions(temporary)
    except CtsError:
        raise
    except Exception as error:
        # As above: the cause is named, and goes along.
        raise StoreError(diagnose(error, where=database.name, path=database)) from error
    return connections


def _taken(backup: Path, copy: Path) -> int:
    """Copy a backup and prove the copy; return its connections. What is wrong is the backup's, and said of it."""
    try:
        _copy(backup, copy, time.monotonic() + _WAIT_SECONDS)
        return verify(copy, ours=True)
    except Exception as error:
        # Garbage raises whatever its bytes make of it; what is not about the file goes on up.
        problem = error.problem if isinstance(error, StoreError) else diagnose(error, where=backup.name, path=backup)
        case = {Category.CORRUPT: "CORRUPT.backup", Category.BAD_FILE: "BAD_FILE.another"}.get(problem.category)
        if case is None:
            raise
        raise StoreError(problem_for(case, where=backup.name)) from error


def _copy(source: Path, target: Path, deadline: float) -> None:
    def watch(*_progress: int) -> None:
        # Python repeats a step that was refused (SQLITE_BUSY) without end; only raising here ends it.
        if time.monotonic() > deadline:
            raise StoreError(problem_for("BUSY", where=source.name, detail="backup"))

    # "rw", although nothing is written: a journal that a killed program left must be played back first.
    with closing(_open(source, "rw")) as reading, closing(_open(target, "rw")) as writing:
        reading.execute("PRAGMA busy_timeout = 250")
        # The copy is checked and synced as a whole afterwards; a journal for it would be work for nothing.
        writing.execute("PRAGMA journal_mode = MEMORY")
        writing.execute("PRAGMA synchronous = OFF")
        reading.backup(writing, progress=watch, sleep=0.1)
    with closing(_open(target, "rw")) as writing:
        # The copy of a WAL database is one too, and would need companions to be read.
        writing.execute("PRAGMA journal_mode = DELETE")


def _open(path: Path, mode: str) -> "sqlite3.Connection":
    import sqlite3

    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=2.0, isolation_level=None)


def _publish(temporary: Path, folder: Path, reason: str, connections: int, ending: str) -> Backup:
    """Give the finished file its name, with the next free number."""
    known = _listed(folder)
    number = known[0].number + 1 if known else 1
    stamp = utc_stamp()
    path = folder / f"{number:04}-{stamp}-{reason}-{connections}{ending}"
    temporary.rename(path)
    fsync_folder(folder)
    return Backup(str(path), _readable(stamp), path.stat().st_size, connections, reason)


def _listed(folder: Path) -> list[_Listed]:
    found: list[_Listed] = []
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return []
    for entry in entries:
        match = _NAME.fullmatch(entry.name)
        if match is None:
            continue
        try:
            status = entry.stat(follow_symlinks=False)
            made_at = _readable(match[2])
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(status.st_mode):
            backup = Backup(entry.path, made_at, status.st_size, int(match[4]), match[3])
            found.append(_Listed(int(match[1]), backup))
    return sorted(found, key=lambda listed: (listed.number, listed.backup.path), reverse=True)


def _prune(folder: Path, keep: int) -> None:
    """Thin out each reason to `keep`: many small commands must not push out the one made by hand, or last week's.

    The protected ones stay, and the newest that holds any connection.
    """
    candidates = [backup for backup in list_backups(folder) if backup.reason not in PROTECTED]
    filled = next((backup.path for backup in candidates if backup.connections), None)
    now = datetime.now(UTC)
    for reason in {backup.reason for backup in candidates}:
        made = [backup for backup in candidates if backup.reason == reason]
        ages = [(now - datetime.fromisoformat(backup.made_at)).total_seconds() for backup in made]
        for index in superfluous(ages, max(keep, 1)):
            if made[index].path != filled:
                with suppress(OSError):
                    os.unlink(made[index].path)  # noqa: PTH108 - the path is text


def _remove_with_companions(temporary: Path) -> None:
    for end in ("", *COMPANIONS):
        with suppress(OSError):
            temporary.with_name(temporary.name + end).unlink(missing_ok=True)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _readable(stamp: str) -> str:
    return datetime.fromisoformat(stamp).isoformat()
