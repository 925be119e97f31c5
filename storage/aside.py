"""Record files that no database has any more are kept aside before the mirror forgets them, and that is said."""

import logging
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from models.problem import Category, Problem, StoreError
from storage.atomic_file import backup_of
from storage.data_folder import DataFolder
from storage.database_repository import DatabaseRepository
from storage.json_store.names import INDEX_NAME, file_name
from storage.json_store.record_folder import RecordFolder
from storage.quarantine import utc_stamp

BRING_BACK: Final = "“Bring back” on the Database page puts them into the database again."
_log = logging.getLogger(__name__)


def keep_newer(
    records: RecordFolder, folder: DataFolder, repository: DatabaseRepository, kept: MutableMapping[str, int]
) -> str:
    """Keep copies of records that the database has older, or has no more although nobody deleted them.

    So it is after a restored backup, and where another server of a cluster answers than the last time. `kept`
    remembers revisions that were kept already. Return what a person should read, "" for nothing new.
    """
    # In this order: whoever commits in between is newer there, never older, and who deletes leaves a tombstone.
    waiting = records.waiting_ids()
    known = {row.id: row.revision for row in records.rows() if row.id not in waiting}
    there = repository.revisions()
    lost = {each: revision for each, revision in known.items() if max(there.get(each, 0), kept.get(each, 0)) < revision}
    if not lost.keys() <= there.keys():
        for deleted in repository.deleted():
            lost.pop(deleted.id, None)
    if not lost:
        return ""
    target = keep_aside(folder, list(lost), "newer-connections", move=False)
    kept.update(lost)
    return f"{_what_was_lost(lost, there)} kept in {target}. {BRING_BACK}"


def _what_was_lost(lost: Mapping[str, int], there: Mapping[str, int]) -> str:
    older = sum(each in there for each in lost)
    if older:
        return f"The database is older than it was, as after a restored backup: {_records(len(lost))} newer here,"
    return f"The database has lost what nobody deleted in this program: {_records(len(lost))} here alone,"


def _records(count: int) -> str:
    return "1 record is" if count == 1 else f"{count:,} records are"


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
    return f"This is another database than the last one, of which {records} can be found in {target}. {BRING_BACK}"
