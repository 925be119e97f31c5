"""A backup of either kind into a database of either kind."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.problem import StoreError
from storage.backup import restore
from storage.data_folder import DataFolder
from storage.database import Database
from storage.diagnosis import diagnose
from storage.export_backup import Restored, make_export, restore_export
from storage.moving import ready
from storage.open_database import OpenDatabase


@contextmanager
def workshop(folder: DataFolder) -> Iterator[Path]:
    """Give an empty private folder on the disk of the data, and remove it; what a killed program left goes first."""
    path = folder.root / ".restoring"
    try:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        yield path
    except OSError as error:
        raise StoreError(diagnose(error, where=str(folder.root))) from error
    finally:
        shutil.rmtree(path, ignore_errors=True)


def into_server(backup: Path, database: OpenDatabase, folder: DataFolder, migrations: Path) -> Restored:
    """Put a copy of a SQLite file in the place of what a PostgreSQL holds; see restore_export."""
    with workshop(folder) as room:
        restore(backup, room / "cts.db", folder.quarantine)
        copy = Database.open_sqlite(room / "cts.db")
        try:
            ready(copy, migrations)
            export = make_export(copy, room, "restoring")
        finally:
            copy.close()
        return restore_export(Path(export.path), database)


@contextmanager
def as_sqlite(export: Path, folder: DataFolder, migrations: Path) -> Iterator[tuple[Path, Restored]]:
    """Give a SQLite file with what an export holds, for the time of the block."""
    with workshop(folder) as room:
        path = room / "cts.db"
        database = Database.open_sqlite(path)
        try:
            ready(database, migrations)
            restored = restore_export(export, database)
        finally:
            database.close()
        yield path, restored
