"""Records that were kept aside go into the database again: those that it lacks, and those that it has older.

They were kept because another database, or an older one, had taken the place of theirs (aside.py).
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from models.connection import CREDENTIALS, Connection
from models.problem import StoreError
from models.secret import SealedSecret
from models.status import KEPT_RECORDS, Backup
from storage.atomic_file import BadFileError, backup_of
from storage.connection_codec import decode
from storage.json_store.names import file_name, is_record_name
from storage.json_store.record_file import full_row, read_record
from storage.open_database import OpenDatabase
from storage.repository import Repository

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_log = logging.getLogger(__name__)

Renew = Callable[[str, str, SealedSecret], SealedSecret]


class Lacking(NamedTuple):
    """What a database has of kept records: not at all, older, or so that they stay as they are there."""

    missing: tuple[Connection, ...]
    older: tuple[Connection, ...]
    left: int


def kept_folders(quarantine: Path) -> list[Backup]:
    """Return the folders of records that were kept aside, newest first, as the list of backups shows them."""
    found = []
    with suppress(OSError):
        for path in sorted(quarantine.glob("*-connections"), reverse=True):
            files = [each for each in path.glob("*.json") if is_record_name(each.name)]
            if files:
                size = sum(each.lstat().st_size for each in files)
                found.append(Backup(str(path), _made_at(path), size, len(files), KEPT_RECORDS))
    return found


def read_kept(folder: Path) -> list[Connection]:
    """Return the records of a folder. One that cannot be read is left out, and the log says so."""
    read = (_read(path) for path in sorted(folder.glob("*.json")) if is_record_name(path.name))
    return [connection for connection in read if connection is not None]


def lacking(repository: Repository, kept: Sequence[Connection]) -> Lacking:
    """Compare by revision. What somebody deleted in the database stays deleted. Raises StoreError."""
    there = {row.id: row.revision for row in repository.rows()}
    deleted = {each.id for each in repository.deleted()}
    missing = tuple(each for each in kept if each.id not in there and each.id not in deleted)
    older = tuple(each for each in kept if there.get(each.id, each.revision) < each.revision)
    return Lacking(missing, older, len(kept) - len(missing) - len(older))


def bring_back(database: OpenDatabase, repository: Repository, wanted: Lacking, renew: Renew) -> None:
    """Put them into the database; `renew` seals each secret for its vault. Raises StoreError or VaultError."""
    # All secrets first: what cannot be sealed keeps everything from being stored.
    missing, older = ([_sealed(each, renew) for each in some] for some in (wanted.missing, wanted.older))
    repository.add(missing, rename=True)
    names = repository.names()
    for each in older:
        base = repository.get(each.id)
        if base is None:
            continue
        name = base.name if each.name in names else each.name
        repository.update(base, replace(each, name=name, revision=base.revision))
    _raise_revisions(database, (*missing, *older))


def put_away(folder: Path) -> None:
    """Let a folder stay where it is, and be offered no more."""
    with suppress(OSError):
        folder.rename(folder.with_name(f"{folder.name}-brought-back"))


def _raise_revisions(database: OpenDatabase, brought: Sequence[Connection]) -> None:
    """Let what is there now be newer than what was kept: another desktop that kept the same must not bring it again,

    over what was changed since.
    """
    mark = "?" if database.dialect == "sqlite" else "%s"
    text = f"UPDATE exchange_connections SET revision = {mark} WHERE id = {mark} AND revision < {mark}"  # noqa: S608
    with database.write() as statements:
        for each in brought:
            statements.execute(text, (each.revision + 1, each.id, each.revision + 1))


def _sealed(connection: Connection, renew: Renew) -> Connection:
    for name in CREDENTIALS:
        token: SealedSecret | None = getattr(connection, name)
        if token:
            connection = replace(connection, **{name: renew(connection.id, name, token)})  # type: ignore[arg-type]
    return connection


def _read(path: Path) -> Connection | None:
    for file in (path, backup_of(path)):
        with suppress(BadFileError, OSError, StoreError):
            record, _digest = read_record(file)
            state = record.state
            if state is None or state.deleted_at is not None or file_name(record.id) != path.name:
                return None
            return decode(full_row(record.id, state))
    _log.warning("The kept record %s cannot be read; it is left out.", path)
    return None


def _made_at(path: Path) -> str:
    stamp = path.name.partition("-")[0]
    try:
        moment = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return moment.isoformat(timespec="seconds")
