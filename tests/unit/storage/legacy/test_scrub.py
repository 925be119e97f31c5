"""After a scrub no byte of a secret is left in the folder, and the connections still have theirs, sealed."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from models.problem import Category, StoreError
from models.secret_names import is_secret_name
from services.events import Events
from services.legacy import LegacyService
from storage.backup import list_backups, make_backup, verify
from storage.database import Database
from storage.legacy.scrub import scrub
from storage.legacy.secret_words import Finder, is_placeholder
from tests.canary import canaries_under, make_canary
from tests.fixtures.cts31 import Canaries, json_record, shape_a, shape_b, write
from tests.store_kit import Kit, open_kit
from tests.unit.storage.legacy.test_take_over import by_name, credentials


def legacy_of(kit: Kit) -> LegacyService:
    return LegacyService(kit.store, kit.folder, kit.vault, Events())


def fill(root: Path) -> Canaries:
    """Make a folder with everything that may hold a secret: tables, free pages, arrays, files, damaged ones, copies."""
    canaries = Canaries()
    shape_a(root / "cts.db", canaries)
    settings = json.dumps({"proxyPassword": canaries.new(), "deep": {"credentials": [canaries.new()]}})
    record = json_record(canaries, "bingx-x01", connection_settings=settings, api_capabilities="[broken")
    write(root / "connections.json", [record, json_record(canaries, "okx-x01", last_test_log=f"k={canaries.made[0]}")])
    write(root / "connections.json.bak", [record])
    write(root / "connections/connections.json", {"connections": [json_record(canaries, "x2")]})
    uuid = "9b2f6c1e-8d5a-4a63-9d0e-0d3f4d7f1a55"
    write(root / f"connections/{uuid}.json", json_record(canaries, uuid))
    text = json.dumps(json_record(canaries, "cut", last_test_log=canaries.made[3]))
    (root / "connections/cut.json").write_text(text[: text.index("margin_type")], encoding="utf-8")
    return canaries


def test_no_byte_is_left(tmp_path: Path) -> None:
    canaries = fill(tmp_path)
    with open_kit(tmp_path) as kit:
        legacy = legacy_of(kit)
        make_backup(kit.folder.database, kit.folder.backups, "by-hand")
        before = {name: credentials(kit, one) for name, one in by_name(kit).items()}
        assert len(legacy.plaintext()) == 7
        steps: list[str] = []
        done = legacy.scrub(steps.append)
        assert {"cleaned cts.db", "cleaned connections.json", "proved"} <= set(steps)
        assert canaries_under(tmp_path, canaries.made) == []
        assert legacy.plaintext() == ()
        assert {"cts.db", "connections.json", "connections.json.bak", "connections/cut.json"} <= set(done.files)
        assert {name: credentials(kit, one) for name, one in by_name(kit).items()} == before
        assert before["Bybit main"][:2] == canaries.made[:2]
        for backup in list_backups(kit.folder.backups):
            assert verify(Path(backup.path)) == backup.connections
    assert canaries_under(tmp_path, canaries.made) == []


def test_rows_stay_and_only_secrets_go(tmp_path: Path) -> None:
    shape_a(tmp_path / "cts.db", Canaries())
    with open_kit(tmp_path) as kit:
        report = legacy_of(kit).report()
        assert report is not None
        legacy_of(kit).scrub()
        again = legacy_of(kit).report()
        assert again == report._replace(plaintext=())
    with closing(sqlite3.connect(tmp_path / "cts.db")) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        for table, count in report.tables.items():
            assert connection.execute(f'SELECT count(*) FROM "{table}"').fetchone() == (count,)
        first = connection.execute("SELECT * FROM legacy_exchange_connections WHERE id = 1").fetchone()
        assert first[1:7] == ("Bybit main", "bybit", None, None, None, 0)
        settings = json.loads(first[9])
        assert settings == {"leverage": 25, "note": "key is [removed]"}
        assert connection.execute("SELECT message FROM legacy_site_logs").fetchall()[0] == ("k=[removed];",)
        required = connection.execute("SELECT access_token FROM legacy_api_credentials").fetchall()
        assert len(set(required)) == 2
        assert connection.execute("SELECT count(*) FROM legacy_users WHERE username = 'admin'").fetchone() == (1,)
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_the_old_backup_keeps_its_schema(tmp_path: Path) -> None:
    """Its trigger would have copied every key into another table while they were removed."""
    canaries = Canaries()
    shape_a(tmp_path / "cts.db", canaries)
    with closing(sqlite3.connect(tmp_path / "cts.db")) as connection:
        before = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
    with open_kit(tmp_path) as kit:
        legacy_of(kit).scrub()
        report = legacy_of(kit).report()
    assert report is not None
    with closing(sqlite3.connect(tmp_path / report.backup)) as connection:
        assert connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall() == before


def test_a_scrubbed_folder_starts_as_before(tmp_path: Path) -> None:
    fill(tmp_path)
    with open_kit(tmp_path) as kit:
        names = kit.names()
        legacy_of(kit).scrub()
    with open_kit(tmp_path) as kit:
        assert kit.names() == names
        assert [step.detail for step in kit.steps if step.step == "take-over"] == ["nothing to take over"]
        assert legacy_of(kit).scrub().files == ()


def test_a_file_that_is_not_ours_to_clean_is_named(tmp_path: Path) -> None:
    canaries = Canaries()
    shape_b(tmp_path / "cts.db", canaries)
    note = tmp_path / "my keys.txt"
    note.write_text(f"bybit: {canaries.made[0]}", encoding="utf-8")
    with open_kit(tmp_path) as kit:
        with pytest.raises(StoreError) as raised:
            legacy_of(kit).scrub()
        assert raised.value.problem.category is Category.LEGACY
        assert "my keys.txt" in raised.value.problem.text
        assert "cts.db" not in raised.value.problem.text
        # What is not proved clean is not called clean.
        assert legacy_of(kit).plaintext() != ()
        note.unlink()
        legacy_of(kit).scrub()
        assert legacy_of(kit).plaintext() == ()


def test_keys_of_an_emptied_table_are_still_looked_for(tmp_path: Path) -> None:
    """A run that was killed after it emptied the tables must not let the next one forget what to look for."""
    canaries = Canaries()
    shape_b(tmp_path / "cts.db", canaries)
    with open_kit(tmp_path) as kit:
        with kit.store.database.write() as connection:  # type: ignore[union-attr]
            connection.execute("UPDATE legacy_exchange_connections SET api_key = NULL, api_secret = NULL")
        for backup in list_backups(kit.folder.backups):
            Path(backup.path).unlink()
        (tmp_path / "left.txt").write_text(canaries.made[0], encoding="utf-8")
        with pytest.raises(StoreError, match=r"left\.txt"):
            legacy_of(kit).scrub()


def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    shape_b(tmp_path / "cts.db", Canaries())
    with open_kit(tmp_path) as kit:
        database = kit.store.database
        assert isinstance(database, Database)
        database.forbid_writing()
        with pytest.raises(StoreError) as raised:
            scrub(database, kit.folder)
        assert raised.value.problem.category is Category.NOT_WRITABLE


def test_utf_16_databases_are_cleaned_too(tmp_path: Path) -> None:
    canaries = Canaries()
    with closing(sqlite3.connect(tmp_path / "cts.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16be'")
        connection.execute(
            "CREATE TABLE exchange_connections (id INTEGER PRIMARY KEY, name, exchange, api_key, api_secret, testnet,"
            " is_active, connection_settings TEXT, log TEXT)"
        )
        connection.execute(
            "INSERT INTO exchange_connections VALUES (1, 'N', 'bybit', ?, ?, 0, 1, ?, ?)",
            (canaries.new(), canaries.new(), json.dumps({"token": canaries.new()}), f"é {canaries.made[0]}"),
        )
    with open_kit(tmp_path) as kit:
        assert credentials(kit, by_name(kit)["N"])[:2] == canaries.made[:2]
        legacy_of(kit).scrub()
    assert canaries_under(tmp_path, canaries.made) == []


@pytest.mark.parametrize("name", ["api_key", "apiKey", "API-Secret", "passphrase", "password_hash", "webhookSecret"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["id", "key", "symbol", "has_api_key", "api_key_set", "is_secret", "last_test_at"])
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)


def test_the_finder_takes_no_ordinary_word_for_a_secret() -> None:
    finder = Finder(["perpetual", "bybit", "Kq81jd72hs81k", "your-api-key-here-123"])
    assert finder.clean("bybit perpetual Kq81jd72hs81kKq81jd72hs81k") == "bybit perpetual [removed][removed]"
    assert is_placeholder("your-api-key-here")


def test_a_desk_with_many_keys(tmp_path: Path) -> None:
    """Hundreds of secrets are looked for in another way than a few: it must find them, too."""
    canaries = Canaries()
    shape_b(tmp_path / "cts.db", canaries)
    with closing(sqlite3.connect(tmp_path / "cts.db")) as connection:
        connection.executemany(
            "INSERT INTO exchange_connections (id, name, exchange, api_type, api_key, api_secret) VALUES"
            " (?, 'Many', 'bybit', 'spot', ?, ?)",
            [(f"bybit-{number}", canaries.new(), canaries.new()) for number in range(150)],
        )
        connection.commit()
    with open_kit(tmp_path) as kit:
        (tmp_path / "note.txt").write_text("x" * 200_000 + canaries.made[250], encoding="utf-8")
        with pytest.raises(StoreError, match=r"still in: note\.txt\."):
            legacy_of(kit).scrub()
        (tmp_path / "note.txt").unlink()
        legacy_of(kit).scrub()
    for path in tmp_path.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert [secret for secret in canaries.made if secret.encode() in content] == []


def test_what_is_no_whole_json_is_cleaned_too(tmp_path: Path) -> None:
    """Cut off after some characters, or said in a line of a log: the key of a connection that is long deleted."""
    canaries = Canaries()
    shape_b(tmp_path / "cts.db", canaries)
    one, two, three, four = (make_canary() for _ in range(4))
    canaries.made += [one, two[:-6], three, four]
    cut = json.dumps({"plan": "hedge", "apiKey": one, "api_secret": two})[:-8]
    said = f"GET /v5/account?api_key={three}&symbol=BTCUSDT secret: '{four}' token=ok"
    with closing(sqlite3.connect(tmp_path / "cts.db")) as connection:
        connection.execute("CREATE TABLE old_events (id INTEGER PRIMARY KEY, data TEXT, message TEXT)")
        connection.execute("INSERT INTO old_events (data, message) VALUES (?, ?)", (cut, said))
        connection.commit()
    with open_kit(tmp_path) as kit:
        assert any("legacy_old_events" in place for place in legacy_of(kit).plaintext())
        legacy_of(kit).scrub()
    assert canaries_under(tmp_path, canaries.made) == []
    with closing(sqlite3.connect(tmp_path / "cts.db")) as connection:
        data, message = connection.execute("SELECT data, message FROM legacy_old_events").fetchone()
    assert data == '{"plan": "hedge", "apiKey": "", "api_secret": "'
    assert message == "GET /v5/account?api_key=[removed]&symbol=BTCUSDT secret: '[removed]' token=ok"


def test_the_logs_of_the_old_program_are_cleaned(tmp_path: Path) -> None:
    canaries = Canaries()
    shape_a(tmp_path / "cts.db", canaries)
    log = tmp_path / "logs" / "engine.log"
    log.parent.mkdir()
    lines = [f"{number} {canaries.made[number % 3]} done" for number in range(2_000)]
    log.write_bytes("\n".join(lines).encode() + b"\xff")
    with open_kit(tmp_path) as kit:
        done = legacy_of(kit).scrub()
        assert "logs/engine.log" in done.files
        assert legacy_of(kit).plaintext() == ()
    assert canaries_under(tmp_path, canaries.made) == []
    assert log.read_bytes().endswith(b"1999 [removed] done\xff")


def test_a_scrub_that_cannot_finish_brings_nothing_a_second_time(tmp_path: Path) -> None:
    """A record without an id is remembered by its key, too: with the key gone it must not look like another one."""
    canaries = Canaries()
    record = json_record(canaries, "")
    write(tmp_path / "connections.json", [record, json_record(canaries, "bingx-x02")])
    (tmp_path / "my keys.txt").write_text(canaries.made[0], encoding="utf-8")
    with open_kit(tmp_path) as kit:
        names = kit.names()
        with pytest.raises(StoreError, match="my keys"):
            legacy_of(kit).scrub()
    assert canaries.made[0].encode() not in (tmp_path / "connections.json").read_bytes()
    with open_kit(tmp_path) as kit:
        assert kit.names() == names
        assert [step.detail for step in kit.steps if step.step == "take-over"] == ["nothing to take over"]


@pytest.mark.parametrize("moment", ["expected connections.json", "cleaned connections.json"])
def test_a_scrub_that_is_killed_brings_nothing_a_second_time(tmp_path: Path, moment: str) -> None:
    class Killed(BaseException):
        pass

    def kill(step: str) -> None:
        if step == moment:
            raise Killed

    canaries = Canaries()
    write(tmp_path / "connections.json", [json_record(canaries, ""), json_record(canaries, "bingx-x02")])
    with open_kit(tmp_path) as kit:
        names = kit.names()
        database = kit.store.database
        assert isinstance(database, Database)
        with pytest.raises(Killed):
            scrub(database, kit.folder, hook=kill)
    with open_kit(tmp_path) as kit:
        assert kit.names() == names
        legacy_of(kit).scrub()
    assert canaries_under(tmp_path, canaries.made) == []
    with open_kit(tmp_path) as kit:
        assert kit.names() == names
