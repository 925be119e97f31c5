"""The logical backup of a PostgreSQL: into one file, and back into a database of either kind."""

import gzip
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.problem import Category, StoreError
from storage.atomic_file import BadFileError
from storage.backup import list_backups
from storage.database import Database
from storage.database_repository import DatabaseRepository
from storage.export_backup import TABLES, make_export, restore_export
from storage.migrator.runner import Migrator
from storage.open_database import OpenDatabase
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from storage.whole.export_file import verify_export
from storage.whole.snapshot import reading
from storage.whole.tally import tally
from tests.bare_postgres import BareServer
from tests.databases import MIGRATIONS
from tests.store_kit import a_connection


def migrated(database: OpenDatabase) -> OpenDatabase:
    Migrator(database, MIGRATIONS, backup=lambda: None).apply()
    return database


@pytest.fixture
def server(postgres_url: str) -> Iterator[OpenDatabase]:
    database = migrated(PostgresDatabase.open(parse_address(postgres_url)))
    yield database
    database.close()


@pytest.fixture
def other(postgres_server: BareServer) -> Iterator[OpenDatabase]:
    postgres_server.sql("CREATE DATABASE other")
    database = migrated(PostgresDatabase.open(parse_address(postgres_server.url("other"))))
    yield database
    database.close()
    postgres_server.sql("DROP DATABASE other WITH (FORCE)")


def fill(database: OpenDatabase, count: int = 30) -> DatabaseRepository:
    repository = DatabaseRepository(database, "desk-1")
    odd = ["Ünïcode 株式", "per%cent", 'quo"te', "it's", "tab ; semi", "back\\slash"]
    rows = repository.add([a_connection(f"{odd[n % 6]} {n}", tags=("a", "ö"), extra={"n": n}) for n in range(count)])
    repository.set_flag([rows[1].id], "enabled", False)
    repository.remove([rows[0].id])
    return repository


def everything(database: OpenDatabase) -> dict[str, object]:
    with reading(database) as snapshot:
        known = snapshot.tables()
        found = {name: (tally(snapshot, known[name]).rows, tally(snapshot, known[name]).total) for name in TABLES[:4]}
        return dict(found)


def identity(database: OpenDatabase) -> tuple[str, int]:
    with database.read() as statements:
        row = statements.execute("SELECT database_id, epoch FROM store_identity").fetchone()
    return row[0], row[1]


def test_the_file_is_private_verified_and_listed(server: OpenDatabase, tmp_path: Path) -> None:
    fill(server)
    backup = make_export(server, tmp_path / "backups", "by-hand")
    assert stat.S_IMODE(Path(backup.path).stat().st_mode) == 0o600
    assert backup.connections == 29
    assert list_backups(tmp_path / "backups") == [backup]
    head, counts = verify_export(Path(backup.path))
    assert head.database_id == identity(server)[0]
    assert counts["exchange_connections"] == 29
    assert counts["deleted_connections"] == 1
    assert [path.name for path in (tmp_path / "backups").iterdir()] == [Path(backup.path).name]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_it_comes_back_into_an_empty_database_of_either_kind(
    kind: str, server: OpenDatabase, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fill(server)
    backup = make_export(server, tmp_path / "backups", "by-hand")
    if kind == "sqlite":
        target = migrated(Database.open_sqlite(tmp_path / "cts.db"))
    else:
        target = request.getfixturevalue("other")
    restored = restore_export(Path(backup.path), target)
    assert restored.connections == 29
    assert everything(target) == everything(server)
    there = DatabaseRepository(target, "desk-2")
    source = DatabaseRepository(server, "desk-1")
    assert there.rows() == source.rows()
    assert [there.get(row.id) for row in there.rows()] == [source.get(row.id) for row in source.rows()]
    assert identity(target) == (identity(server)[0], identity(server)[1] + 1)
    assert quick(target) == "ok"


def quick(database: OpenDatabase) -> str:
    return database.quick_check()


def test_an_sqlite_can_be_exported_too(server: OpenDatabase, tmp_path: Path) -> None:
    small = migrated(Database.open_sqlite(tmp_path / "cts.db"))
    fill(small)
    backup = make_export(small, tmp_path / "backups", "by-hand")
    restore_export(Path(backup.path), server)
    assert everything(server) == everything(small)


def test_a_restore_takes_back_what_came_after_and_raises_the_epoch(server: OpenDatabase, tmp_path: Path) -> None:
    repository = fill(server)
    before, ident = everything(server), identity(server)
    backup = make_export(server, tmp_path / "backups", "by-hand")
    repository.add([a_connection("Later")])
    repository.remove([row.id for row in repository.rows()[:5]])
    restore_export(Path(backup.path), server)
    assert everything(server) == before
    assert identity(server) == (ident[0], ident[1] + 1)
    restore_export(Path(backup.path), server)
    assert identity(server) == (ident[0], ident[1] + 2)


@pytest.mark.parametrize("damage", ["cut", "flip", "line", "end", "empty", "text"])
def test_a_damaged_file_changes_nothing(damage: str, server: OpenDatabase, tmp_path: Path) -> None:
    repository = fill(server)
    path = Path(make_export(server, tmp_path / "backups", "by-hand").path)
    whole = path.read_bytes()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    path.write_bytes(
        {
            "cut": whole[: len(whole) // 2],
            "flip": whole[:900] + bytes([whole[900] ^ 4]) + whole[901:],
            "line": gzip.compress(b"".join(lines[:5] + lines[6:])),
            "end": gzip.compress(b"".join(lines[:-1])),
            "empty": b"",
            "text": b"not a backup",
        }[damage]
    )
    repository.add([a_connection("Later")])
    before = everything(server)
    with pytest.raises(BadFileError) as refused:
        restore_export(path, server)
    assert refused.value.problem.category is Category.BAD_FILE
    assert everything(server) == before


def test_a_file_of_a_newer_program_is_refused(server: OpenDatabase, tmp_path: Path) -> None:
    fill(server)
    with server.write() as statements:
        statements.execute(
            "INSERT INTO migrations (number, name, checksum, applied_at, milliseconds, program_version)"
            " VALUES (999, 'later', 'x', now(), 1, '9')"
        )
    path = Path(make_export(server, tmp_path / "backups", "by-hand").path)
    small = migrated(Database.open_sqlite(tmp_path / "cts.db"))
    with pytest.raises(StoreError) as refused:
        restore_export(path, small)
    assert refused.value.problem.category is Category.SCHEMA
    assert DatabaseRepository(small, "desk").rows() == []


def test_a_missing_file_is_said(server: OpenDatabase, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refused:
        restore_export(tmp_path / "nowhere.jsonl.gz", server)
    assert refused.value.problem.category is Category.NOT_FOUND


def test_what_is_written_meanwhile_is_not_half_in_it(server: OpenDatabase, tmp_path: Path, postgres_url: str) -> None:
    fill(server)
    elsewhere = PostgresDatabase.open(parse_address(postgres_url))
    with reading(server) as snapshot:
        before = snapshot.count("exchange_connections")
        DatabaseRepository(elsewhere, "desk-2").add([a_connection("Meanwhile")])
        assert sum(len(rows) for rows in snapshot.rows(snapshot.tables()["exchange_connections"])) == before
    elsewhere.close()
