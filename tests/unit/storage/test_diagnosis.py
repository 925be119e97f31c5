"""Errors to Problems: the codes of the table, the real errors of SQLite and the system, and nothing that gives away."""

import errno
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import peewee
import pytest

from models.problem import Category, InputError
from storage.diagnosis import diagnose, problem_for
from storage.diagnosis_texts import CASES, ERRNO, SQLITE, category_of
from storage.json_file import load_json

CANARY = "canary-4711"


def caught(call: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as error:  # noqa: PT011 - any error is what is looked at
        call()
    return error.value


def of_code(code: int, message: str = CANARY) -> sqlite3.Error:
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = code
    error.sqlite_errorname = f"SQLITE_{code}"
    return error


@pytest.mark.parametrize(
    ("code", "category"),
    [
        *[(5, "BUSY"), (6, "BUSY"), (261, "BUSY"), (773, "BUSY"), (517, "CONTENTION")],
        *[(11, "CORRUPT"), (26, "CORRUPT"), (267, "CORRUPT"), (779, "CORRUPT")],
        *[(13, "DISK_FULL"), (4874, "DISK_FULL"), (10, "IO"), (266, "IO"), (778, "IO"), (1034, "IO"), (2570, "IO")],
        *[(8, "NOT_WRITABLE"), (264, "NOT_WRITABLE"), (776, "NOT_WRITABLE"), (1544, "NOT_WRITABLE"), (1032, "MOVED")],
        *[(14, "CANT_OPEN"), (526, "CANT_OPEN"), (1038, "CANT_OPEN")],
        *[(19, "CONSTRAINT"), (2067, "CONSTRAINT"), (1555, "CONSTRAINT"), (787, "CONSTRAINT"), (275, "CONSTRAINT")],
        *[(18, "DATA"), (20, "DATA"), (9, "SLOW"), (21, "BUG"), (1, "UNKNOWN"), (999, "UNKNOWN")],
    ],
)
def test_sqlite_codes(code: int, category: str) -> None:
    problem = diagnose(of_code(code), where="data/cts.db")
    assert problem.category == category
    assert problem.detail == f"SQLite {code} SQLITE_{code}"
    assert CANARY not in str(problem)


@pytest.mark.parametrize(
    ("code", "category"),
    [
        *[(errno.ENOSPC, "DISK_FULL"), (errno.EDQUOT, "DISK_FULL"), (errno.EIO, "IO"), (errno.EFBIG, "IO")],
        *[(errno.EROFS, "NOT_WRITABLE"), (errno.EACCES, "NOT_WRITABLE"), (errno.EISDIR, "CANT_OPEN")],
        *[(errno.ENOENT, "CANT_OPEN"), (errno.ELOOP, "CANT_OPEN"), (errno.EMFILE, "IO"), (errno.ENETDOWN, "UNKNOWN")],
    ],
)
def test_system_codes(code: int, category: str) -> None:
    problem = diagnose(OSError(code, CANARY, CANARY), where="settings.json")
    assert problem.category == category
    assert problem.detail == errno.errorcode[code]
    assert "settings.json" in problem.text
    assert CANARY not in str(problem)


def test_every_row_has_a_sentence_and_one_action() -> None:
    for case, words in CASES.items():
        assert category_of(case) in Category
        problem = problem_for(case, where="{data} cts.db", field="Name")
        assert problem.text[0].isupper() or problem.text.startswith("{data}")
        assert problem.text.endswith((".", ")."))
        assert problem.solution.endswith(".")
        assert problem.solution.count(". ") == 0
        assert "{where}" not in problem.text + problem.solution
        assert words.text != words.solution
    assert {*SQLITE.values(), *ERRNO.values()} <= set(CASES)


def test_python_says_that_a_value_is_wrong() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a)")

    def insert(value: object) -> Callable[[], object]:
        return lambda: connection.execute("INSERT INTO t VALUES (?)", (value,))

    for value, case in [("\ud800", "DATA.text"), (2**70, "DATA.number"), (object(), "DATA"), ({}, "DATA")]:
        problem = diagnose(caught(insert(value)), where="cts.db")
        assert problem[:3] == problem_for(case, where="cts.db")[:3]
    assert diagnose(ValueError(CANARY), where="cts.db").category is Category.DATA
    assert CANARY not in str(diagnose(ValueError(CANARY), where="cts.db"))


def test_damaged_json_is_a_bad_file() -> None:
    for call in (
        lambda: json.loads("{"),
        lambda: load_json(b"{"),
        b"\xff".decode,
        lambda: json.loads("[" * 100_000),
    ):
        assert diagnose(caught(call), where="a.json").category is Category.BAD_FILE


CONSTRAINTS = {
    "INSERT INTO exchange_connections VALUES ('b', 'Main canary-4711', 1, NULL)": (
        "Name is taken: another connection in cts.db already has it.",
        "SQLite 2067 SQLITE_CONSTRAINT_UNIQUE exchange_connections.name",
    ),
    "INSERT INTO exchange_connections VALUES ('a', 'canary-4711', 1, NULL)": (
        "Id is taken: another record in cts.db already has it.",
        "SQLite 1555 SQLITE_CONSTRAINT_PRIMARYKEY exchange_connections.id",
    ),
    "INSERT INTO exchange_connections VALUES ('c', NULL, 1, NULL)": (
        "Name is missing, and cts.db needs it.",
        "SQLite 1299 SQLITE_CONSTRAINT_NOTNULL exchange_connections.name",
    ),
    "INSERT INTO exchange_connections VALUES ('c', 'canary-4711', 0, NULL)": (
        "cts.db refused the change: a value is outside of what is allowed (Revision is positive).",
        "SQLite 275 SQLITE_CONSTRAINT_CHECK revision_is_positive",
    ),
    "INSERT INTO exchange_connections VALUES ('c', 'canary-4711', 1, 'nobody')": (
        "cts.db refused the change: the record belongs to another one that is not there, or is still in use.",
        "SQLite 787 SQLITE_CONSTRAINT_FOREIGNKEY",
    ),
    "INSERT INTO exchange_connections VALUES ('c', 'canary-4711', 99, NULL)": (
        "cts.db refused the change: it breaks one of its rules.",
        "SQLite 1811 SQLITE_CONSTRAINT_TRIGGER",
    ),
}


@pytest.mark.parametrize("through_peewee", [False, True])
@pytest.mark.parametrize("statement", CONSTRAINTS)
def test_a_broken_rule_names_the_field_and_never_the_value(statement: str, through_peewee: bool) -> None:
    database = peewee.SqliteDatabase(":memory:", pragmas={"foreign_keys": 1})
    database.connect()
    connection: sqlite3.Connection = database.connection()  # type: ignore[no-untyped-call]
    connection.executescript(
        """
        CREATE TABLE exchange_connections (
            id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, revision INTEGER,
            parent TEXT REFERENCES exchange_connections (id), CONSTRAINT revision_is_positive CHECK (revision >= 1));
        CREATE TRIGGER refuse BEFORE INSERT ON exchange_connections WHEN new.revision = 99
            BEGIN SELECT RAISE(ABORT, 'refused: canary-4711'); END;
        INSERT INTO exchange_connections VALUES ('a', 'Main canary-4711', 1, NULL);
        """
    )
    error = caught(lambda: (database.execute_sql if through_peewee else connection.execute)(statement))
    assert isinstance(error, peewee.IntegrityError if through_peewee else sqlite3.IntegrityError)
    problem = diagnose(error, where="cts.db")
    assert problem.category is Category.CONSTRAINT
    assert (problem.text, problem.detail) == CONSTRAINTS[statement]
    assert CANARY not in str(problem)
    database.close()


@pytest.mark.parametrize("name", ["missing folder", "folder", "pipe", "missing in a folder", "under a file", "loop"])
def test_a_database_that_does_not_open_says_which_reason(tmp_path: Path, name: str) -> None:
    path, words = {
        "missing folder": (tmp_path / "none" / "cts.db", "The folder of cts.db is not there."),
        "folder": (tmp_path, "cts.db is a folder, not a file."),
        "pipe": (tmp_path / "pipe", "cts.db is not an ordinary file."),
        "missing in a folder": (tmp_path / "cts.db", "cts.db is not there."),
        "under a file": (tmp_path / "file" / "cts.db", "A part of the path of cts.db is a file, not a folder."),
        "loop": (tmp_path / "loop", "cts.db is a link, and links are not followed."),
    }[name]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    if name == "pipe":
        error: BaseException = of_code(14)
    else:
        error = caught(lambda: sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True).execute("SELECT 1 FROM t"))
    problem = diagnose(error, where="cts.db", path=path)
    assert (problem.category, problem.text) == (Category.CANT_OPEN, words)


def test_real_sqlite_errors(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_bytes(b"not a database " * 100)
    garbage = caught(lambda: sqlite3.connect(tmp_path / "text.db").execute("SELECT 1 FROM t"))
    assert diagnose(garbage, where="cts.db").category is Category.CORRUPT
    connection = sqlite3.connect(tmp_path / "a.db", timeout=0, isolation_level=None)
    connection.execute("CREATE TABLE t (a TEXT)")
    for statement in (
        "SELECT * FROM none",
        "SELECT none FROM t",
        "INSERT INTO t (b) VALUES (1)",
        "INSERT INTO t VALUES (1, 2)",
    ):
        problem = diagnose(caught(lambda s=statement: connection.execute(s)), where="cts.db")  # type: ignore[misc]
        assert problem.category is Category.SCHEMA, statement
    other = sqlite3.connect(tmp_path / "a.db", timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert diagnose(caught(lambda: connection.execute("BEGIN IMMEDIATE")), where="cts.db").category is Category.BUSY
    other.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN")
    connection.execute("SELECT * FROM t").fetchall()
    other.execute("INSERT INTO t VALUES ('x')")
    stale = diagnose(caught(lambda: connection.execute("INSERT INTO t VALUES ('y')")), where="cts.db")
    assert (stale.category, stale.detail) == (Category.CONTENTION, "SQLite 517 SQLITE_BUSY_SNAPSHOT")
    connection.execute("ROLLBACK")
    connection.execute("INSERT INTO t VALUES (CAST(x'ff' AS TEXT))")
    undecodable = caught(lambda: connection.execute("SELECT a FROM t").fetchall())
    assert diagnose(undecodable, where="cts.db")[:3] == problem_for("DATA.stored_text", where="cts.db")[:3]
    connection.close()
    other.close()
    assert diagnose(caught(lambda: connection.execute("SELECT 1")), where="cts.db").category is Category.BUG


def test_a_database_moved_while_open(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    connection.execute("CREATE TABLE t (a)")
    (tmp_path / "a.db").rename(tmp_path / "b.db")
    problem = diagnose(caught(lambda: connection.execute("INSERT INTO t VALUES (1)")), where="cts.db")
    assert (problem.category, problem.detail) == (Category.MOVED, "SQLite 1032 SQLITE_READONLY_DBMOVED")


def test_our_own_errors_keep_their_problem_however_they_are_wrapped() -> None:
    ours = InputError("Name is empty.", "Give it one.")
    outer = RuntimeError(CANARY)
    outer.__cause__ = ours
    assert diagnose(outer, where="x") is ours.problem
    loop = RuntimeError("a")
    loop.__context__ = RuntimeError("b")
    loop.__context__.__context__ = loop
    assert diagnose(loop, where="x").category is Category.BUG


def test_a_mistake_of_the_program_names_its_line_and_not_its_message() -> None:
    problem = diagnose(caught(lambda: {"a": 1}[CANARY]), where="the list")
    assert problem.category is Category.BUG
    assert problem.detail.startswith("KeyError in test_diagnosis.py, line ")
    assert CANARY not in str(problem)


def test_no_database_library_is_imported_for_it() -> None:
    import subprocess
    import sys

    code = "import sys, storage.diagnosis; print(sorted({'peewee', 'sqlite3', 'psycopg2'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
