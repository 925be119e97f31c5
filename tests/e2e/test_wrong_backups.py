"""Files that are no backups of this program: each is refused in words about that file, and the list stays as it is."""

import gzip
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.program import Program


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    if request.param == "sqlite":
        return Program(tmp_path / "data")
    return Program(tmp_path / "data", {"DATABASE_URL": str(request.getfixturevalue("postgres_url"))})


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE bookmarks (id)")


def text(path: Path) -> None:
    path.write_text("-- PostgreSQL database dump\n")


def of_a_newer_program(path: Path) -> None:
    path.write_bytes(gzip.compress(b'{"format": "cts-connections export 9"}\n'))


WRONG: list[tuple[str, Callable[[Path], None], str, str]] = [
    ("other.db", of_another_program, "BAD_FILE", "is the database of another program"),
    ("dump.sql", text, "CORRUPT", "is no backup of this program. Nothing was changed."),
    ("newer.jsonl.gz", of_a_newer_program, "BAD_FILE", "was written by a newer version of the program"),
]


def test_a_wrong_file_is_refused_and_the_list_stays(desk: Program, tmp_path: Path) -> None:
    desk.add(name="Stays", exchange="bybit")
    for name, make, category, words in WRONG:
        make(tmp_path / name)
        problem = desk.run("restore", str(tmp_path / name), "--yes", "--json", code=1).problem
        assert (problem["category"], problem["text"].startswith(name), words in problem["text"]) == (
            category,
            True,
            True,
        ), problem
        assert "quarantine" not in problem["solution"]
        assert desk.names() == ["Stays"]
