"""A CTS v3.1 folder opens as ours: every connection, every row, once; and as it was when anything fails."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from models.connection import CREDENTIALS, Connection
from models.event import Event
from models.problem import Category, StoreError
from models.secret import SealedSecret
from models.status import TakeOver
from services.events import Events
from services.legacy import LegacyService
from storage.legacy.shapes import Shape, recognise
from storage.legacy.take_over import Sealing
from tests.canary import canaries_in, canaries_under
from tests.fixtures.cts31 import Canaries, b_rows, json_record, shape_a, shape_b, write
from tests.store_kit import Kit, open_kit


def report_of(kit: Kit) -> TakeOver:
    report = LegacyService(kit.store, kit.folder, kit.vault, Events()).report()
    assert report is not None
    return report


def by_name(kit: Kit) -> dict[str, Connection]:
    found = {}
    for row in kit.store.repository.rows():
        connection = kit.store.repository.get(row.id)
        assert connection is not None
        found[row.name] = connection
    return found


def credentials(kit: Kit, connection: Connection) -> list[str | None]:
    tokens = [(name, getattr(connection, name)) for name in CREDENTIALS]
    return [
        kit.vault.open_secret(connection.id, name, token).reveal() if isinstance(token, SealedSecret) else None
        for name, token in tokens
    ]


def rows_of(path: Path, tables: dict[str, str]) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        return {old: sorted(map(repr, connection.execute(f'SELECT * FROM "{new}"'))) for old, new in tables.items()}


def content(path: Path) -> str:
    """Return everything a database holds, whatever its pages look like."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        return "\n".join(connection.iterdump())


def test_shape_a_comes_over_in_full(tmp_path: Path) -> None:
    canaries = Canaries()
    count = shape_a(tmp_path / "cts.db", canaries)
    with closing(sqlite3.connect(tmp_path / "cts.db")) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    names = [name for name in names if not name.startswith("sqlite_")]
    before = rows_of(tmp_path / "cts.db", {name: name for name in names})
    with open_kit(tmp_path) as kit:
        assert kit.problem is None
        report = report_of(kit)
        assert all(item.state == "applied" for item in kit.store.migrator.items())  # type: ignore[union-attr]
        found = by_name(kit)
        assert len(found) == report.connections == count - 1
        assert report.renamed == (("Bybit main", "Bybit main (2)"),)
        assert [one.what for one in report.skipped] == ["Lost exchange"]
        assert len(report.tables) == 33
        assert {name for name in report.tables if report.tables[name] != len(before[name[7:]])} == set()
        assert credentials(kit, found["Bybit main"])[:2] == canaries.made[:2]
        assert found["Bybit main"].extra["minimum_connect_interval"] == 200
        assert found["Bybit main"].leverage_limit == 25
        assert found["Unnamed (3)"].environment == "demo"
        assert found["מסחר ראשי"].exchange == "kucoin"
        assert found["ab c"].extra["connection_settings"] == "{broken json"
    assert rows_of(tmp_path / "cts.db", {name: f"legacy_{name}" for name in names}) == before


def test_shape_b_comes_over_in_full(tmp_path: Path) -> None:
    canaries = Canaries()
    count = shape_b(tmp_path / "cts.db", canaries)
    with open_kit(tmp_path) as kit:
        report, found = report_of(kit), by_name(kit)
        assert (len(found), report.connections, len(report.tables)) == (count, count, 20)
        assert set(found) == {"X03", "OKX", "OKX (2)", "Traversal"}
        assert found["X03"].live_trade
        assert credentials(kit, found["OKX"]) == canaries.made[2:5]
        with kit.store.database.read() as connection:  # type: ignore[union-attr]
            ids = dict(
                connection.execute("SELECT legacy_id, connection_id FROM taken_over_ids WHERE source = 'cts.db'")
            )
        assert ids["bybit-x03"] == found["X03"].id
        assert ids["../../etc/passwd"] == found["Traversal"].id


def test_secrets_in_clear_are_only_where_the_report_says(tmp_path: Path) -> None:
    canaries = Canaries()
    shape_a(tmp_path / "cts.db", canaries)
    write(tmp_path / "connections.json", [json_record(canaries, "bingx-x01")])
    with open_kit(tmp_path) as kit:
        report = report_of(kit)
        with kit.store.database.read() as connection:  # type: ignore[union-attr]
            connection.execute("BEGIN")
            ours = [
                repr(connection.execute(f"SELECT * FROM {name}").fetchall())
                for name in ("exchange_connections", "take_overs", "taken_over_ids", "applied_operations")
            ]
            connection.execute("COMMIT")
        assert canaries_in("\n".join(ours).encode(), canaries.made) == []
        said = [*map(repr, kit.heard), repr(report)]
        assert canaries_in("\n".join(said).encode(), canaries.made) == []
    assert len(report.plaintext) == 3
    assert "legacy_exchange_connections" in report.plaintext[0]
    assert report.plaintext[1] == report.backup
    assert report.plaintext[2] == "connections.json"
    told = [tmp_path / "cts.db", tmp_path / "connections.json", tmp_path / "backups"]
    assert canaries_under(tmp_path, canaries.made, without=told) == []


@pytest.mark.parametrize("make", [shape_a, shape_b])
def test_a_second_start_does_nothing(tmp_path: Path, make: Any) -> None:
    canaries = Canaries()
    make(tmp_path / "cts.db", canaries)
    write(tmp_path / "connections.json", [json_record(canaries, "bingx-x01")])
    with open_kit(tmp_path) as kit:
        names, report = kit.names(), report_of(kit)
    before = content(tmp_path / "cts.db")
    with open_kit(tmp_path) as kit:
        assert kit.names() == names
        assert report_of(kit) == report
        assert [step.detail for step in kit.steps if step.step == "take-over"] == ["nothing to take over"]
    assert content(tmp_path / "cts.db") == before


def test_the_backup_is_the_old_database(tmp_path: Path) -> None:
    shape_a(tmp_path / "cts.db", Canaries())
    before = content(tmp_path / "cts.db")
    with open_kit(tmp_path) as kit:
        report = report_of(kit)
    assert content(tmp_path / report.backup) == before


def test_json_files_alone(tmp_path: Path) -> None:
    canaries = Canaries()
    one, two = json_record(canaries, "bybit-x03"), json_record(canaries, "okx-x01", exchange="okx")
    older = one | {"updated_at": "2020-01-01T00:00:00Z", "name": "Old name", "api_key": "", "api_secret": ""}
    write(tmp_path / "connections.json", [older, {"name": "No id", "exchange": "bybit", "api_key": canaries.new()}])
    write(
        tmp_path / "connections/connections.json", [two, {"name": "No id", "exchange": "bybit", "api_key": "other-key"}]
    )
    write(tmp_path / "connections/bybit-x03.json", one)
    write(tmp_path / "connections/okx-x01.json", two)
    write(tmp_path / "connections/ours.json", {"format": "cts-connection", "exchange": "bybit", "name": "Ours"})
    uuid = "9b2f6c1e-8d5a-4a63-9d0e-0d3f4d7f1a55"
    write(tmp_path / f"connections/{uuid}.json", json_record(canaries, uuid, name="UUID"))
    with open_kit(tmp_path) as kit:
        found = by_name(kit)
        assert set(found) == {"BYBIT-X03", "OKX-X01", "No id", "No id (2)", "UUID"}
        assert credentials(kit, found["BYBIT-X03"])[0] == one["api_key"]
        assert found["UUID"].id == uuid
        assert report_of(kit).connections == 5
    write(tmp_path / "connections.json", [older, json_record(canaries, "new-x01")])
    with open_kit(tmp_path) as kit:
        assert len(kit.names()) == 6
        assert "NEW-X01" in kit.names()


def test_files_beside_a_database_add_only_what_it_lacks(tmp_path: Path) -> None:
    canaries = Canaries()
    shape_b(tmp_path / "cts.db", canaries)
    twin = b_rows(canaries)[0]
    key = canaries.new()
    same_account = json_record(canaries, "other-id", name="Traversal", exchange="binance", api_key=key)
    write(tmp_path / "connections.json", [twin, same_account, json_record(canaries, "bingx-x01")])
    with open_kit(tmp_path) as kit:
        found = by_name(kit)
        assert set(found) == {"X03", "OKX", "OKX (2)", "Traversal", "BINGX-X01"}
        # The database's record had no key; the file's has come to it.
        assert credentials(kit, found["Traversal"])[0] == key
        assert credentials(kit, found["X03"])[0] == canaries.made[0]
        assert any("another API key" in one.why for one in report_of(kit).skipped)


def test_damaged_files_are_told_and_left(tmp_path: Path) -> None:
    canaries = Canaries()
    folder = tmp_path / "connections"
    write(folder / "good.json", json_record(canaries, "good"))
    (folder / "cut.json").write_text(json.dumps(json_record(canaries, "cut"))[:200])
    (folder / "wide.json").write_bytes(json.dumps(json_record(canaries, "wide")).encode("utf-16"))
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "twice.json").write_text('{"exchange": "okx", "exchange": "bybit"}')
    (folder / "nan.json").write_text('{"exchange": "okx", "volume_factor": NaN}')
    (folder / "empty.json").write_text("")
    (folder / "link.json").symlink_to("/dev/zero")
    (folder / "folder.json").mkdir()
    with open_kit(tmp_path) as kit:
        assert kit.names() == ["GOOD"]
        told = {one.what for one in report_of(kit).skipped}
        assert told == {f"connections/{name}.json" for name in ("cut", "wide", "deep", "twice", "nan", "empty")}
    assert (folder / "cut.json").exists()
    with open_kit(tmp_path) as kit:
        assert len(report_of(kit).skipped) == 6


class _LockedVault:
    """A vault whose passphrase nobody gave; the rest of the store's needs it does not meet here."""

    def seal(self, connection_id: str, field: str, secret: object) -> SealedSecret:
        from models.problem import Problem, VaultError

        raise VaultError(Problem(Category.LOCKED, "The vault is locked.", "Unlock it."))


def test_a_failure_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """The vault says no when everything but the connections is done; the next start with the key takes over."""
    from storage.backup import list_backups
    from storage.data_folder import prepare
    from storage.database import Database
    from storage.store import Store
    from tests.store_kit import MIGRATIONS

    shape_a(tmp_path / "cts.db", Canaries())
    before = content(tmp_path / "cts.db")
    for _ in range(3):
        heard: list[Event] = []
        folder = prepare(tmp_path)
        store = Store(folder, cast(Sealing, _LockedVault()), MIGRATIONS, publish=heard.append, device="d")
        steps: list[Any] = []
        store.open(steps.append)
        problem = next(step.problem for step in steps if step.step == "take-over")
        assert problem.category is Category.LOCKED
        assert "as it was" in problem.text
        assert isinstance(store.database, Database)
        with store.database.read() as connection:
            assert recognise(connection) is Shape.A
        store.close()
    assert content(tmp_path / "cts.db") == before
    assert [backup.reason for backup in list_backups(folder.backups)].count("take-over") == 1
    with open_kit(tmp_path) as kit:
        assert report_of(kit).connections == 9


def test_a_broken_migration_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    from models.secret import Secret
    from storage.data_folder import prepare
    from storage.database import Database
    from storage.legacy.take_over import take_over_if_needed
    from storage.migrator.runner import Migrator

    class Vault:
        def seal(self, connection_id: str, field: str, secret: Secret) -> SealedSecret:
            return SealedSecret("cts1.x.y")

    root = tmp_path / "data"
    shape_b(root / "cts.db", Canaries())
    before = content(root / "cts.db")
    migrations = tmp_path / "migrations"
    migrations.mkdir()
    (migrations / "001_bad.sql").write_text("CREATE TABLE t (a);\nINSERT INTO nowhere VALUES (1);")
    folder = prepare(root)
    database = Database.open_sqlite(folder.database)
    try:
        migrator = Migrator(database, migrations, backup=lambda: None)
        with pytest.raises(StoreError) as raised:
            take_over_if_needed(database, folder, cast(Sealing, Vault()), migrator)
        assert "not taken over" in raised.value.problem.text
    finally:
        database.close()
    assert content(root / "cts.db") == before
    assert [path.name for path in root.iterdir() if ".tmp" in path.name] == []


def test_another_program_cannot_write_meanwhile(tmp_path: Path) -> None:
    """What CTS v3.1 would write between the copy and its return would be lost: it is kept out."""
    from storage.legacy.workbench import only_ours

    shape_b(tmp_path / "cts.db", Canaries())
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=0.05)\n"
        "try: c.execute(\"INSERT INTO trade_logs (data) VALUES ('late')\"); c.commit(); print('wrote')\n"
        "except sqlite3.OperationalError as e: print(e)"
    )
    import subprocess
    import sys

    command = [sys.executable, "-c", code, str(tmp_path / "cts.db")]
    with only_ours(tmp_path / "cts.db"):
        assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == "database is locked\n"
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == "wrote\n"


def test_a_write_ahead_database_comes_over(tmp_path: Path) -> None:
    """The newest rows of a killed CTS v3.1 are only in its -wal file."""
    import subprocess
    import sys

    canaries = Canaries()
    count = shape_a(tmp_path / "cts.db", canaries, wal=True)
    code = (
        "import sqlite3, sys, os; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute(\"INSERT INTO exchange_connections (name, exchange) VALUES ('Only in the WAL', 'bybit')\")\n"
        "os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "cts.db")], check=False)
    assert (tmp_path / "cts.db-wal").stat().st_size > 0
    with open_kit(tmp_path) as kit:
        assert "Only in the WAL" in kit.names()
        assert len(kit.names()) == count
    assert not (tmp_path / "cts.db-wal").exists()


def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    from models.problem import Problem

    shape_a(tmp_path / "cts.db", Canaries())
    before = hashlib.sha256((tmp_path / "cts.db").read_bytes()).hexdigest()
    held = Problem(Category.IN_USE, "Another program has this folder.", "Use that one.")
    with open_kit(tmp_path, held=held) as kit:
        step = next(step for step in kit.steps if step.step == "take-over")
        assert step.problem is not None
        assert "not taken over" in step.problem.text
    assert hashlib.sha256((tmp_path / "cts.db").read_bytes()).hexdigest() == before


def test_an_id_that_is_there_twice_costs_no_connection(tmp_path: Path) -> None:
    canaries = Canaries()
    with closing(sqlite3.connect(tmp_path / "cts.db")) as connection:
        connection.execute(
            "CREATE TABLE exchange_connections (id TEXT, name, exchange, api_key, api_secret, is_enabled)"
        )
        uuid = "9b2f6c1e-8d5a-4a63-9d0e-0d3f4d7f1a55"
        for identity in ("bybit-x01", "bybit-x01", uuid, uuid, None, None, ""):
            connection.execute(
                "INSERT INTO exchange_connections VALUES (?, 'N', 'bybit', ?, 's', 't')", (identity, canaries.new())
            )
        connection.commit()
    write(tmp_path / "connections.json", [json_record(canaries, "dup"), json_record(canaries, "dup")])
    with open_kit(tmp_path) as kit:
        found = by_name(kit)
        assert set(found) == {"N", *(f"N ({number})" for number in range(2, 8)), "DUP", "DUP (2)"}
        keys = {credentials(kit, connection)[0] for connection in found.values()}
        assert len(keys) == 9
        assert {one.extra.get("legacy_id") for one in found.values()} >= {"bybit-x01", "dup"}
    with open_kit(tmp_path) as kit:
        assert len(kit.names()) == 9


def test_everything_left_out_is_counted_and_can_be_found(tmp_path: Path) -> None:
    canaries = Canaries()
    records = [json_record(canaries, f"kraken-x0{n}", name="Old", exchange="kraken") for n in range(7)]
    write(tmp_path / "connections.json", [*records, json_record(canaries, "bingx-x01", created_at="02.01.2024")])
    with open_kit(tmp_path) as kit:
        skipped = report_of(kit).skipped
        assert [one.what for one in skipped] == ["Old"] * 7
        assert skipped[3].why.endswith("it stays in the old data (id kraken-x03).")
        assert by_name(kit)["BINGX-X01"].extra["created_at"] == "02.01.2024"
