"""The first paint shows what the store shows a moment later, and nothing where it cannot."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from storage.list_rows import file_uri
from storage.preview import preview_rows
from tests.store_kit import a_connection, open_kit

NAMES = ["beta", "Alpha", "äther", "Zulu", "alpha", "日本", "beta ", "İ", "ß", "\U0001f642"]


def test_it_is_what_the_repository_lists(tmp_path: Path) -> None:
    with open_kit(tmp_path / "data") as kit:
        kit.store.repository.add(
            [a_connection(name, tags=["x", name]) for name in dict.fromkeys(map(str.strip, NAMES))]
        )
        rows = kit.store.repository.rows()
        assert len(rows) == 9
        assert preview_rows(kit.folder.database) == rows
    assert preview_rows(tmp_path / "data" / "cts.db") == rows
    assert [row.name for row in rows][:2] in (["Alpha", "alpha"], ["alpha", "Alpha"])


def test_rows_of_other_programs_are_the_same_in_both(tmp_path: Path) -> None:
    with open_kit(tmp_path / "data") as kit:
        with closing(sqlite3.connect(kit.folder.database)) as other:
            other.execute(
                "INSERT INTO exchange_connections (id, name, exchange) VALUES ('bybit-x03', 'by hand', 'bybit')"
            )
            other.execute(
                "INSERT INTO exchange_connections (id, name, exchange, enabled, tags, updated_at, api_key)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                ("../../x", b"bytes \xff", b"\x00", "perhaps", "{", 5, ""),
            )
            other.execute(
                "INSERT INTO exchange_connections (id, name, exchange) VALUES ('t', CAST(X'C328' AS TEXT), 'x')"
            )
            other.commit()
        rows = kit.store.repository.rows()
        assert preview_rows(kit.folder.database) == rows
        assert {row.id for row in rows} == {"bybit-x03", "../../x", "t"}
        odd = next(row for row in rows if row.id == "../../x")
        assert (odd.enabled, odd.tags, odd.api_key_set, odd.updated_at) == (False, (), False, "5")


@pytest.mark.parametrize("content", [None, b"", b"garbage" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_any_trouble_is_an_empty_list(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "cts.db"
    if content is not None:
        path.write_bytes(content)
    assert preview_rows(path) == []
    assert path.exists() == (content is not None)


def test_a_folder_a_foreign_table_and_a_locked_file_are_empty_lists(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    assert preview_rows(tmp_path / "folder.db") == []
    path = tmp_path / "cts.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE exchange_connections (id INTEGER, name TEXT, testnet INTEGER)")
    assert preview_rows(path) == []
    other.execute("BEGIN EXCLUSIVE")
    assert preview_rows(path) == []
    other.close()


def test_it_imports_neither_peewee_nor_dataclasses() -> None:
    code = (
        "import sys, storage.preview;"
        "bad = {'peewee', 'dataclasses', 'asyncio', 'cryptography', 'json', 'inspect'} & set(sys.modules);"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


@pytest.mark.parametrize("name", ["with space", "per%20cent", "que?stion", "ha#sh", "ünï", "a&mode=rwc"])
def test_paths_with_odd_characters_open(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE here (x)")
    made.close()
    opened = sqlite3.connect(file_uri(os.fspath(path), "ro"), uri=True)
    assert opened.execute("SELECT name FROM sqlite_master").fetchone() == ("here",)
    opened.close()
