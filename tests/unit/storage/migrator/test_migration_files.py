"""Finding and reading migration files: every way in which a folder can be wrong is named with its file."""

from pathlib import Path

import pytest

from models.problem import Category, MigrationError
from storage.migrator.files import checksums, find_migrations
from tests.databases import write_files


def refused(folder: Path, dialect: str = "sqlite") -> str:
    with pytest.raises(MigrationError) as caught:
        find_migrations(folder, dialect)
    problem = caught.value.problem
    assert problem.category is Category.MIGRATION
    assert problem.solution
    return problem.text


def test_files_come_by_number_whatever_the_folder_says(tmp_path: Path) -> None:
    write_files(tmp_path, _010_b="SELECT 1", _002_a="SELECT 2", _1000_c="SELECT 3")
    (tmp_path / "notes.txt").write_text("not ours")
    found = find_migrations(tmp_path, "sqlite")
    assert [(file.number, file.name) for file in found] == [(2, "a"), (10, "b"), (1000, "c")]


def test_each_dialect_gets_its_own_file_of_a_pair(tmp_path: Path) -> None:
    (tmp_path / "001_a.sqlite.sql").write_text("SELECT 'lite'")
    (tmp_path / "001_a.postgresql.sql").write_text("SELECT 'pg'")
    assert [file.sql for file in find_migrations(tmp_path, "sqlite")] == ["SELECT 'lite'"]
    assert [file.sql for file in find_migrations(tmp_path, "postgresql")] == ["SELECT 'pg'"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("001_a.sql", "001_b.sql"),
        ("001_a.sql", "0001_a.sql"),
        ("001_a.sql", "001_a.sqlite.sql"),
        ("001_a.postgresql.sql", "001_a.sql"),
        ("001_a.sqlite.sql", "001_b.postgresql.sql"),
        ("001_a.postgresql.sql", "0001_a.postgresql.sql"),
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_one_number_twice_is_refused_naming_both(tmp_path: Path, first: str, second: str, dialect: str) -> None:
    for name in (first, second):
        (tmp_path / name).write_text("SELECT 1")
    text = refused(tmp_path, dialect)
    assert first in text
    assert second in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no SQL"),
        (b"-- nothing but words\n", "holds no SQL"),
        (b"SELECT 'caf\xe9'", "not UTF-8"),
        ("SELECT 1".encode("utf-16"), "not UTF-8"),
        (b"SELECT 1;\nSELECT 'open", "line 2"),
        (b"SELECT 1;\nROLLBACK;", "ROLLBACK"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "001_broken.sql").write_bytes(content)
    text = refused(tmp_path)
    assert "001_broken.sql" in text
    assert words in text


def test_a_folder_or_a_missing_file_is_not_a_migration(tmp_path: Path) -> None:
    (tmp_path / "001_a.sql").mkdir()
    assert "001_a.sql" in refused(tmp_path)
    assert "cannot be read" in refused(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["1_short.sql", "no_number.sql", "001-dash.sql", "001_a.mysql.sql", "001_.sql"])
def test_an_sql_file_with_another_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("SELECT 1")
    assert name in refused(tmp_path)


def test_newlines_and_a_bom_are_not_a_change(tmp_path: Path) -> None:
    sums = []
    for content in (b"SELECT 1;\nSELECT 2;\n", b"\xef\xbb\xbfSELECT 1;\r\nSELECT 2;\r\n", b"SELECT 1;\rSELECT 2;\r"):
        (tmp_path / "001_a.sql").write_bytes(content)
        sums.append(checksums(tmp_path, "sqlite"))
    assert sums[0] == sums[1] == sums[2]
    (tmp_path / "001_a.sql").write_bytes(b"SELECT 1;\nSELECT 3;\n")
    assert checksums(tmp_path, "sqlite") != sums[0]
