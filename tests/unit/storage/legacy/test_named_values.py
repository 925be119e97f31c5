"""Secrets that only their row names: settings as a name and a value, in a table or in a file."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from services.settings import SettingsService
from tests.canary import canaries_under
from tests.fixtures.cts31 import Canaries, json_record, shape_a, write
from tests.store_kit import open_kit
from tests.unit.storage.legacy.test_scrub import legacy_of

_SETTINGS = "SELECT key, value FROM legacy_system_settings ORDER BY key"


def fill_settings(path: Path, rows: list[tuple[str, object]]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO system_settings (key, value) VALUES (?, ?)", rows)
        connection.commit()


def test_a_settings_table_is_scrubbed_by_its_rows_names(tmp_path: Path) -> None:
    canaries = Canaries()
    shape_a(tmp_path / "cts.db", canaries, candles=5)
    rows: list[tuple[str, object]] = [
        ("telegram_bot_token", canaries.new()),
        ("webhookSecret", json.dumps({"current": canaries.new()})),
        ("smtp_password", b"\xff" + canaries.new().encode()),
        ("token_lifetime", "3600"),
        ("api_key_rotation", "true"),
        ("retry", "every 5 minutes"),
    ]
    fill_settings(tmp_path / "cts.db", rows)
    with open_kit(tmp_path) as kit:
        legacy = legacy_of(kit)
        assert "legacy_system_settings" in legacy.plaintext()[0]
        legacy.scrub()
        assert kit.store.database is not None
        with kit.store.database.read() as connection:
            kept = dict(connection.execute(_SETTINGS).fetchall())
        assert {name: kept[name] for name in ("token_lifetime", "api_key_rotation", "retry")} == {
            "token_lifetime": "3600",
            "api_key_rotation": "true",
            "retry": "every 5 minutes",
        }
        assert kept["telegram_bot_token"].startswith("removed-")
        assert legacy.scrub().files == ()
    assert canaries_under(tmp_path, canaries.made) == []


def test_settings_of_cts31_are_scrubbed_and_do_not_come_back(tmp_path: Path) -> None:
    canaries = Canaries()
    shape_a(tmp_path / "cts.db", canaries, candles=5)
    (tmp_path / "settings.json").write_text(
        json.dumps({"theme": "dark", "mainEngine": True, "exchangeApiSecret": canaries.new(), "n": 1.5}), "utf-8"
    )
    with open_kit(tmp_path) as kit:
        settings = SettingsService(kit.folder)
        assert settings.load() is None
        settings.change(density="compact")
        legacy_of(kit).scrub()
        settings.change(density="comfortable")
    assert canaries_under(tmp_path, canaries.made) == []
    kept = json.loads((tmp_path / "settings.json").read_text("utf-8"))
    assert (kept["theme"], kept["mainEngine"], kept["n"], kept["exchangeApiSecret"]) == ("dark", True, 1.5, "")


def test_an_object_with_records_by_id_comes_over(tmp_path: Path) -> None:
    canaries = Canaries()
    first, second = json_record(canaries, "w1"), json_record(canaries, "w2")
    del second["id"]
    write(tmp_path / "connections.json", {"w1": first, "w2": second})
    write(tmp_path / "connections" / "connections.json", {"connections": {"w3": json_record(canaries, "w3")}})
    with open_kit(tmp_path) as kit:
        assert sorted(kit.names()) == ["W1", "W2", "W3"]
        legacy_of(kit).scrub()
    assert canaries_under(tmp_path, canaries.made) == []
