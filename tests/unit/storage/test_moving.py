"""Moving between SQLite and a real PostgreSQL: compared record by record, and killed at any moment."""

import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from models.moving import MoveProgress, TargetState
from models.problem import Category, StoreError
from storage.atomic_file import sweep
from storage.data_folder import DataFolder, prepare
from storage.database import Database
from storage.database_repository import DatabaseRepository
from storage.moving import copy_store, new_sqlite, ready, survey
from storage.open_database import OpenDatabase
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from storage.whole.snapshot import reading
from storage.whole.tally import digests, tally
from tests.bare_postgres import wait_until
from tests.databases import MIGRATIONS, RawDatabase, connect
from tests.faults.real_faults import child
from tests.migrations.rows import fill as fill_tables
from tests.store_kit import a_connection


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Database]:
    database = Database.open_sqlite(tmp_path / "cts.db")
    ready(database, MIGRATIONS)
    repository = DatabaseRepository(database, "desk-1")
    rows = repository.add(
        [a_connection(f"Bybit {n} ü%'\"", tags=("a", "ö"), extra={"n": n, "x": None}) for n in range(40)]
    )
    repository.set_flag([rows[1].id, rows[2].id], "enabled", False)
    repository.remove([rows[0].id])
    yield database
    database.close()


@pytest.fixture
def server(postgres_url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase.open(parse_address(postgres_url))
    ready(database, MIGRATIONS)
    yield database
    database.close()


def same_tables(one: OpenDatabase, two: OpenDatabase, without: tuple[str, ...] = ()) -> None:
    with reading(one) as left, reading(two) as right:
        tables = left.tables()
        for name in tables.keys() - {"store_identity", "vault_keys", *without}:
            assert tally(left, tables[name]) == tally(right, right.tables()[name]), name
        name = "exchange_connections"
        assert digests(left, tables[name]) == digests(right, right.tables()[name])


def connections(database: OpenDatabase) -> list[object]:
    repository = DatabaseRepository(database, "looking")
    return [repository.get(row.id) for row in repository.rows()]


def test_there_and_back_every_record_is_the_same(source: Database, server: PostgresDatabase, tmp_path: Path) -> None:
    before = survey(source)
    heard: list[MoveProgress] = []
    copied = copy_store(source, server, watch=heard.append)
    assert copied.connections == 39
    assert copied.rows == before.to_copy
    assert copied.kept == copied.left_out == ()
    assert heard[-1].done == heard[-1].total == before.to_copy
    same_tables(source, server)
    assert connections(server) == connections(source)
    assert (survey(server).database_id, survey(server).epoch) == (before.database_id, before.epoch + 1)
    folder = prepare(tmp_path / "other")
    with new_sqlite(folder, MIGRATIONS) as back:
        copy_store(server, back)
    with_back = Database.open_sqlite(folder.database)
    same_tables(source, with_back)
    assert survey(with_back).epoch == before.epoch + 2
    with_back.close()
    assert sorted(path.name for path in folder.root.iterdir() if path.is_file()) == ["cts.db"]
    assert not (folder.root / ".moving").exists()


def test_the_tables_of_cts_come_too_and_go_on_counting(tmp_path: Path, server: PostgresDatabase) -> None:
    database = Database.open_sqlite(tmp_path / "cts.db")
    ready(database, MIGRATIONS)
    fill_tables(RawDatabase(database.cursor_connection(), "sqlite"), 300)
    with database.hold() as connection:
        connection.execute("INSERT INTO system_settings (key, value) VALUES ('mine', 'kept')")
        connection.execute("CREATE TABLE somebody_elses (a INTEGER)")
    copied = copy_store(database, server)
    assert copied.left_out == ("somebody_elses",)
    same_tables(database, server, ("somebody_elses",))
    with server.write() as statements:
        statements.execute(
            "INSERT INTO market_data (connection_id, symbol, timestamp, price) VALUES ('c', 's', now(), 1)"
        )
    database.close()


def test_a_target_in_use_is_left_alone(source: Database, server: PostgresDatabase) -> None:
    DatabaseRepository(server, "desk-2").add([a_connection("Theirs")])
    with pytest.raises(StoreError) as refused:
        copy_store(source, server)
    assert refused.value.problem.category is Category.CONSTRAINT
    assert [row.name for row in DatabaseRepository(server, "desk-2").rows()] == ["Theirs"]
    assert survey(server).state_for(survey(source)) is TargetState.OCCUPIED


def test_an_own_earlier_attempt_is_finished_with_what_changed_since(source: Database, server: PostgresDatabase) -> None:
    copy_store(source, server)
    assert survey(server).state_for(survey(source)) is TargetState.EARLIER
    here, there = DatabaseRepository(source, "desk-1"), DatabaseRepository(server, "desk-2")
    rows = here.rows()
    changed = here.get(rows[0].id)
    assert changed is not None
    here.update(changed, replace(changed, note="after the first attempt"))
    here.remove([rows[1].id])
    here.add([a_connection("New here")])
    there.set_flag([rows[2].id], "enabled", False)
    there.add([a_connection("New there")])
    copied = copy_store(source, server)
    assert copied.kept == (rows[2].name,)
    merged = {row.id: row for row in there.rows()}
    assert there.get(rows[0].id) == here.get(rows[0].id)
    assert rows[1].id not in merged
    assert not merged[rows[2].id].enabled
    assert {"New here", "New there"} <= {row.name for row in merged.values()}
    assert survey(server).epoch == survey(source).epoch + 1
    again = copy_store(source, server)
    assert again.kept == (rows[2].name,)


class StopError(Exception):
    """Somebody pressed Stop."""


def test_stopped_in_the_middle_nothing_is_there(source: Database, server: PostgresDatabase, tmp_path: Path) -> None:
    folder = prepare(tmp_path / "other")

    def stop(progress: MoveProgress) -> None:
        if progress.step == "exchange_connections":
            raise StopError

    with pytest.raises(StopError):
        copy_store(source, server, watch=stop)
    assert survey(server).is_fresh
    copy_store(source, server)
    with pytest.raises(StopError), new_sqlite(folder, MIGRATIONS) as back:
        copy_store(server, back, watch=stop)
    assert not folder.database.exists()
    assert not (folder.root / ".moving").exists()


def test_what_postgresql_cannot_hold_is_named_and_nothing_is_copied(source: Database, server: PostgresDatabase) -> None:
    with source.hold() as connection:
        connection.execute("UPDATE exchange_connections SET note = 'a' || char(0) WHERE revision = 2")
    with pytest.raises(StoreError) as refused:
        copy_store(source, server)
    assert refused.value.problem.category is Category.DATA
    assert "exchange_connections" in refused.value.problem.text
    assert survey(server).is_fresh


def test_a_number_that_is_none_is_named(source: Database, server: PostgresDatabase) -> None:
    with source.hold() as connection:
        connection.execute("UPDATE exchange_connections SET volume_factor = 'much' WHERE revision = 2")
    with pytest.raises(StoreError) as refused:
        copy_store(source, server)
    assert "volume_factor" in refused.value.problem.text
    assert survey(server).is_fresh


def test_nobody_writes_to_the_source_meanwhile(source: Database, server: PostgresDatabase, tmp_path: Path) -> None:
    written = threading.Event()
    other = Database.open_sqlite(tmp_path / "cts.db")

    def write() -> None:
        DatabaseRepository(other, "desk-3").add([a_connection("Meanwhile")])
        written.set()

    thread = threading.Thread(target=write)

    def begin(progress: MoveProgress) -> None:
        if not thread.ident:
            thread.start()
            assert not written.wait(0.3)

    copied = copy_store(source, server, watch=begin)
    thread.join(20)
    assert written.is_set()
    assert survey(server).connections == copied.connections == survey(source).connections - 1
    other.close()


_MOVE = """
import sys, time
from pathlib import Path
from storage.data_folder import prepare
from storage.database import Database
from storage.moving import copy_store, new_sqlite, ready
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
kind, path, url, migrations, wait_at = sys.argv[1:]
server = PostgresDatabase.open(parse_address(url))
ready(server, Path(migrations))
def watch(progress):
    if progress.step == wait_at:
        print("there", flush=True)
        time.sleep(60)
if kind == "there":
    copy_store(Database.open_sqlite(Path(path) / "cts.db"), server, watch=watch)
else:
    with new_sqlite(prepare(Path(path)), Path(migrations)) as database:
        copy_store(server, database, watch=watch)
print("done", flush=True)
time.sleep(60)
"""


def run_and_kill(kind: str, root: Path, url: str, wait_at: str) -> None:
    command = child(_MOVE, kind, root, url, MIGRATIONS, wait_at)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert said == ("there" if wait_at != "never" else "done")


@pytest.mark.parametrize("wait_at", ["applied_operations", "exchange_connections", "storing", "never"])
def test_killed_at_any_moment_the_old_store_is_whole_and_the_move_can_be_run_again(
    wait_at: str, source: Database, tmp_path: Path, postgres_url: str
) -> None:
    before = survey(source)
    source.close()
    content = (tmp_path / "cts.db").read_bytes()
    run_and_kill("there", tmp_path, postgres_url, wait_at)
    assert (tmp_path / "cts.db").read_bytes() == content
    server = PostgresDatabase.open(parse_address(postgres_url))
    raw = connect(postgres_url)
    busy = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'cts-connections' AND state <> 'idle'"
    wait_until(lambda: not raw.rows(busy))
    raw.close()
    left = survey(server)
    assert left.connections == (before.connections if wait_at == "never" else 0)
    again = Database.open_sqlite(tmp_path / "cts.db")
    copy_store(again, server)
    same_tables(again, server)
    again.close()
    server.close()


@pytest.mark.parametrize("wait_at", ["exchange_connections", "storing", "never"])
def test_killed_on_the_way_back_the_server_and_the_old_file_are_whole(
    wait_at: str, source: Database, server: PostgresDatabase, tmp_path: Path, postgres_url: str
) -> None:
    copy_store(source, server)
    folder: DataFolder = prepare(tmp_path / "other")
    old = Database.open_sqlite(folder.database)
    ready(old, MIGRATIONS)
    DatabaseRepository(old, "desk").add([a_connection("From before")])
    old.close()
    run_and_kill("back", folder.root, postgres_url, wait_at)
    now = Database.open_sqlite(folder.database)
    names = [row.name for row in DatabaseRepository(now, "desk").rows()]
    now.close()
    assert len(names) == 39 if wait_at == "never" else names == ["From before"]
    # What the killed one left is removed by the next start, or by the next move.
    assert sweep(folder.root) == (wait_at != "never")
    assert not (folder.root / ".moving").exists()
    with new_sqlite(folder, MIGRATIONS) as back:
        copy_store(server, back)
    now = Database.open_sqlite(folder.database)
    same_tables(server, now)
    now.close()
    kept = [path for path in folder.quarantine.iterdir() if path.suffix == ".db"]
    found = [Database.open_sqlite(path, read_only=True) for path in kept]
    assert "From before" in [row.name for each in found for row in DatabaseRepository(each, "desk").rows()]
    for each in found:
        each.close()
