"""Take over a CTS v3.1 data folder: nothing lost, nothing twice, and the file as it was when anything fails."""

import logging
import sqlite3
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from models.connection import FIELDS, Connection
from models.connection_names import free_name
from models.connection_rules import is_connection_id
from models.problem import Category, CtsError, Problem, StoreError
from models.secret import SealedSecret, Secret
from models.status import Backup, MigrationItem, MigrationState, Skipped, TakeOver
from storage.backup import TAKE_OVER, list_backups, make_backup, verify
from storage.connection_codec import encode
from storage.data_folder import DataFolder
from storage.database import Database
from storage.diagnosis import diagnose
from storage.legacy import reports
from storage.legacy.cleaning import harvest_by_table
from storage.legacy.gathering import FROM_FILES, Old, rows, source_text, with_files
from storage.legacy.json_sources import Source, merge_copies, read_sources
from storage.legacy.records import Translated, sealed
from storage.legacy.secret_words import Finder, redact
from storage.legacy.set_aside import count_rows, set_aside
from storage.legacy.shapes import CONNECTIONS, PREFIX, columns, recognise
from storage.legacy.workbench import Hook, Working, no_hook, only_ours, put_back, sweep_copies, working_copy
from storage.migrator.runner import Migrator

if TYPE_CHECKING:
    from storage.shared_vault import Sharing

_INSERT = f"INSERT INTO {CONNECTIONS} ({', '.join(FIELDS)}) VALUES ({', '.join('?' * len(FIELDS))})"  # noqa: S608
_log = logging.getLogger(__name__)


class Sealing(Protocol):
    """What a store needs of the vault: to seal what a take-over brings, and to share its keys with a server."""

    @property
    def sharing(self) -> "Sharing": ...

    def seal(self, connection_id: str, field: str, secret: Secret) -> SealedSecret: ...

    def renew(self, connection_id: str, field: str, token: SealedSecret) -> SealedSecret: ...


def take_over_if_needed(
    database: Database, folder: DataFolder, vault: Sealing, migrator: Migrator, *, hook: Hook = no_hook
) -> TakeOver | None:
    """Take over what CTS v3.1 left in the folder and was not taken over yet; None where there is nothing.

    Raises CtsError; the database is then as it was, and the next start tries again. `hook` hears of every step.
    """
    try:
        with database.hold() as connection:
            shape = recognise(connection)
            kept = [] if shape else reports.read_kept(connection)
            fresh = shape is not None or not columns(connection, "store_identity")
        sources = read_sources(folder.root, reports.known_files(kept), fresh=fresh)
        if shape is None and not sources:
            return None
        if database.read_only:
            raise StoreError(_nothing_can_be_written(folder.root))
        sweep_copies(folder.root)
        if shape is not None:
            report: TakeOver | None = _take_database(database.path, folder, vault, migrator, sources, hook)
        else:
            report = _take_files(database, vault, migrator, sources, kept, hook)
    except CtsError as error:
        raise StoreError(_failed(error.problem)) from error
    except (sqlite3.Error, OSError, UnicodeError) as error:
        raise StoreError(_failed(diagnose(error, where=str(database.path)))) from error
    if report:
        _log.info("CTS v3.1: %d connections came over, %d left out.", report.connections, len(report.skipped))
    return report


def _take_database(
    path: Path, folder: DataFolder, vault: Sealing, migrator: Migrator, sources: list[Source], hook: Hook
) -> TakeOver:
    backup = _backup(path, folder.backups)
    hook("backed up")
    with only_ours(path) as original, working_copy(original, path) as copy:
        hook("copied")
        shape = recognise(copy)
        if shape is None:
            raise StoreError(_not_counted("the file changed while it was taken over"))
        tables = set_aside(copy)
        hook("set aside")
        _migrate(copy, migrator)
        hook("migrated")
        old = list(rows(copy, shape))
        old, sentences = with_files(old, sources)
        report = TakeOver(
            taken_at=reports.now(),
            source=source_text(shape, sources),
            connections=0,
            tables={PREFIX + name: count for name, count in sorted(tables.items())},
            renamed=(),
            skipped=tuple(Skipped(*_split(sentence)) for sentence in sentences),
            plaintext=(*_plaintext_tables(copy, Path(backup.path)), *_plaintext_files(sources)),
            backup=str(Path("backups") / Path(backup.path).name),
        )
        report = _insert(copy, old, vault, report, sources)
        hook("connections copied")
        _count_both_sides(copy, tables, report)
        hook("counted")
        put_back(copy, original, hook)
        hook("put back")
    return report


def _take_files(
    database: Database,
    vault: Sealing,
    migrator: Migrator,
    sources: list[Source],
    kept: list[reports.Kept],
    hook: Hook,
) -> TakeOver | None:
    if not migrator.up_to_date():
        _refuse_failure(migrator.apply())
    hook("migrated")
    with database.write() as connection:
        known = _known_ids(connection)
        merged, sentences = merge_copies(sources)
        old = [
            Old(source.name, item, ((FROM_FILES, item.legacy_id),))
            for source, item in merged
            if item.legacy_id not in known
        ]
        if not old and kept:
            _remember(connection, kept[-1], sources)
            return None
        report = TakeOver(
            taken_at=reports.now(),
            source=source_text(None, sources),
            connections=0,
            tables={},
            renamed=(),
            skipped=tuple(Skipped(*_split(sentence)) for sentence in sentences),
            plaintext=_plaintext_files(sources),
        )
        report = _insert(connection, old, vault, report, sources)
        hook("connections copied")
    hook("put back")
    return report


def _backup(path: Path, folder: Path) -> Backup:
    """Make the verified backup, or find the one that a killed or failed attempt made of the same file."""
    for backup in list_backups(folder):
        if backup.reason == TAKE_OVER and path.stat().st_mtime_ns < Path(backup.path).stat().st_mtime_ns:
            try:
                verify(Path(backup.path))
            except StoreError:
                continue
            return backup
    return make_backup(path, folder, TAKE_OVER)


def _migrate(copy: sqlite3.Connection, migrator: Migrator) -> None:
    _refuse_failure(migrator.on(Working(copy)).apply())


def _refuse_failure(items: tuple[MigrationItem, ...]) -> None:
    for item in items:
        if item.state is MigrationState.FAILED and item.problem:
            raise StoreError(item.problem)


def _insert(
    connection: sqlite3.Connection, old: list[Old], vault: Sealing, report: TakeOver, sources: list[Source]
) -> TakeOver:
    """Write connections, ids and the report in the transaction that is open, or in one of its own."""
    names = {row[0] for row in connection.execute(f"SELECT name FROM {CONNECTIONS}")}  # noqa: S608
    ids = {row[0] for row in connection.execute(f"SELECT id FROM {CONNECTIONS}")}  # noqa: S608
    before = count_rows(connection, CONNECTIONS)
    skipped, renamed, repaired, came = list(report.skipped), list(report.renamed), list(report.repaired), 0
    skipped += [Skipped(source.name, f"{source.why} It was left where it is.") for source in sources if source.why]
    finder = Finder(secret for one in old for secret in one.item.secrets)
    own = not connection.in_transaction
    if own:
        connection.execute("BEGIN IMMEDIATE")
    for place, item, remembered in old:
        if item.connection is None:
            skipped.append(Skipped(*_split(item.why)))
            continue
        ready, pair = _named(_without_secrets(_with_id(item, ids), finder), names)
        connection.execute(_INSERT, encode(sealed(ready, vault.seal), stamps_as_text=True))
        connection.executemany(
            "INSERT INTO taken_over_ids (source, legacy_id, connection_id) VALUES (?, ?, ?)",
            [(source, legacy_id, ready.id) for source, legacy_id in remembered],
        )
        came += 1
        renamed += [pair] if pair else []
        repaired += [Skipped(ready.name, note) for note in item.notes]
        _log.debug("Connection %s came over from %s.", ready.id, place)
    if count_rows(connection, CONNECTIONS) != before + came:
        raise StoreError(_not_counted(f"{came} connections were written"))
    report = report._replace(connections=came, renamed=tuple(renamed), skipped=tuple(skipped), repaired=tuple(repaired))
    reports.add(connection, report, {source.name: source.digest for source in sources})
    if own:
        connection.execute("COMMIT")
    return report


def _with_id(item: Translated, ids: set[str]) -> Connection:
    """Keep an id that is a UUID already and free; every other connection has got a new one."""
    assert item.connection is not None
    connection = item.connection
    if is_connection_id(item.legacy_id) and item.legacy_id not in ids:
        connection = changed(connection, id=item.legacy_id)
    ids.add(connection.id)
    return connection


def _without_secrets(connection: Connection, finder: Finder) -> Connection:
    """One record's log or settings may hold another record's key: it must not come over in clear."""
    return changed(connection, name=finder.clean(connection.name), extra=redact(connection.extra, finder))


def _named(connection: Connection, names: set[str]) -> tuple[Connection, tuple[str, str] | None]:
    name = free_name(connection.name, names)
    names.add(name)
    if name == connection.name:
        return connection, None
    return changed(connection, name=name), (connection.name, name)


def _known_ids(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT legacy_id FROM taken_over_ids WHERE source = ?", (FROM_FILES,))
    return {str(row[0]) for row in rows}


def _remember(connection: sqlite3.Connection, last: reports.Kept, sources: list[Source]) -> None:
    files = last.files | {source.name: source.digest for source in sources}
    reports.replace(connection, last._replace(files=files))


def _count_both_sides(copy: sqlite3.Connection, tables: dict[str, int], report: TakeOver) -> None:
    for name, count in tables.items():
        if count_rows(copy, PREFIX + name) != count:
            raise StoreError(_not_counted(f"{name} has not the rows that it had"))
    if count_rows(copy, CONNECTIONS) != report.connections:
        raise StoreError(_not_counted("not every connection arrived"))
    found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreError(_not_counted(f"the result is damaged ({found})"))


def _plaintext_tables(copy: sqlite3.Connection, backup: Path) -> tuple[str, ...]:
    """Name the kept tables, and with them the backup, that hold secrets in clear from now on."""
    holding = [table for table, secrets in harvest_by_table(copy).items() if secrets]
    return (f"cts.db ({', '.join(sorted(holding))})", f"backups/{backup.name}") if holding else ()


def _plaintext_files(sources: list[Source]) -> tuple[str, ...]:
    """Name the files that hold secrets in clear; of a damaged one nobody knows, so it counts."""
    return tuple(source.name for source in sources if source.why or any(item.secrets for item in source.items))


def _split(sentence: str) -> tuple[str, str]:
    what, _, why = sentence.partition(": ")
    return (what, why) if why else ("", sentence)


def _nothing_can_be_written(root: Path) -> Problem:
    return Problem(
        Category.READ_ONLY,
        f"{root} holds data of CTS v3.1, and nothing can be written there.",
        "Make the folder writable, or copy it and start the program with --data-dir on the copy.",
    )


def _not_counted(what: str) -> Problem:
    return Problem(Category.LEGACY, f"The count after copying is wrong: {what}.", "Report it with the start-up report.")


def _failed(problem: Problem) -> Problem:
    return Problem(
        problem.category,
        f"The CTS v3.1 data was not taken over: {_lower(problem.text)} The old file is as it was.",
        problem.solution,
        problem.detail,
        problem.by_command,
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[:2].istitle() and not text.startswith("CTS") else text
