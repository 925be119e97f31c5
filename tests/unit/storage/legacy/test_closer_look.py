"""When a start looks closer for what CTS v3.1 left: never because of the program's own record files."""

import sqlite3
from pathlib import Path

import pytest

from storage.legacy.shapes import may_need_take_over

RECORD = "00b1a312-0750-4668-af6a-5592a11cb4c6.json"
INDEX = b'{"format": "cts-connections index 1"'


@pytest.fixture
def ours() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE store_identity (id TEXT)")
    return connection


def put(root: Path, name: str, content: bytes = b"{}") -> None:
    (root / "connections").mkdir(exist_ok=True)
    (root / "connections" / name).write_bytes(content)


def test_our_records_and_their_index_need_none(tmp_path: Path, ours: sqlite3.Connection) -> None:
    put(tmp_path, RECORD)
    put(tmp_path, "connections.json", INDEX)
    assert not may_need_take_over(ours, tmp_path)


@pytest.mark.parametrize("name", ["bybit-x03.json", "connections.json", RECORD.replace(".json", ".cts31.json")])
def test_any_other_file_needs_one(tmp_path: Path, ours: sqlite3.Connection, name: str) -> None:
    put(tmp_path, RECORD)
    put(tmp_path, name)
    assert may_need_take_over(ours, tmp_path)


def test_in_a_new_database_even_a_file_named_like_a_record_needs_one(tmp_path: Path) -> None:
    put(tmp_path, RECORD)
    assert may_need_take_over(sqlite3.connect(":memory:"), tmp_path)
