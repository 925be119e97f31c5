"""Record files that no database has any more are kept aside before the mirror forgets them, and that is said."""

import logging
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path

from models.problem import Category, Problem, StoreError
from storage.atomic_file import backup_of
from storage.data_folder import DataFolder
from storage.database_repository import DatabaseRepository
from storage.json_store.names import INDEX_NAME, file_name
from storage.json_store.record_folder import RecordFolder
from storage.quarantine import utc_stamp

_log = logging.getLogger(__name__)


def keep_newer(
    records: RecordFolder, folder: DataFolder, repository: DatabaseRepository, kept: MutableMapping[str, int]
) -> str:
    """Keep copies of records that the database has older, and then of those that it has no more: a restored backup.

    `kept` remembers revisions that were kept already. Return what a person should read, "" for nothing new.
    """
    # In this order: whoever commits in between is newer there, never older.
    known = {row.id: row.revision for row in records.rows()}
    there = repository.revisions()
    older = {each: revision for each, revision in known.items() if there.get(each, 0) < revision != kept.get(each)}
    if not any(each in there for each in older):
        return ""
    target = keep_aside(folder, list(older), "newer-connections", move=False)
    kept.update(older)
    newer = "1 record is" if len(older) == 1 else f"{len(older):,} records are"
    return f"The database is older than it was, as after a restored backup: {newer} newer here, kept in {target}."


def keep_all(records: RecordFolder, folder: DataFolder) -> str:
    """Keep copies of all records, because another database takes the place of theirs; return what to read of it."""
    ids = list(records.ids())
    return of_another(ids, keep_aside(folder, ids, "connections", move=False))


def keep_aside(folder: DataFolder, ids: Sequence[str], name: str, *, move: bool) -> Path:
    """Keep record files in a folder of the quarantine; return which. Raises StoreError."""
    # Here: with its archives it is 3 ms of every start, and most starts put nothing aside.
    import shutil

    target = folder.quarantine / f"{utc_stamp()}-{name}"
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in (*((INDEX_NAME,) if move else ()), *map(file_name, ids)):
            path = folder.connections / each
            for file in (path, backup_of(path)):
                with suppress(FileNotFoundError):
                    # Not a second name: that would change how the file looks, and the index would not know it again.
                    file.rename(target / file.name) if move else shutil.copy2(
                        file, target / file.name, follow_symlinks=False
                    )
    except OSError as error:
        raise StoreError(
            Problem(Category.IO, "The old record files could not be kept aside.", f"Check {target}.", str(error))
        ) from error
    _log.warning("Record files are kept in %s.", target)
    return target


def of_another(ids: Sequence[str], target: Path) -> str:
    """Return what a person should read where another database is there now."""
    records = "1 record" if len(ids) == 1 else f"{len(ids):,} records"
    return f"This is another database than the last one, of which {records} can be found in {target}."
