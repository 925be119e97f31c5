"""F45, F46 and F47: a file that fails, a file that was edited, and a file full of what confuses splitters."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from models.problem import Category
from models.status import Backend, StoreState
from services.events import Events
from services.migrations import MigrationService
from storage.postgresql.address import parse_address
from storage.target import Target
from tests.databases import MIGRATIONS, RawDatabase, connect, migrator, states, write_files
from tests.store_kit import Kit, open_kit

GOOD = "CREATE TABLE kept (a TEXT);\nINSERT INTO kept VALUES ('one');\n"
BAD = "-- two good statements, then a bad one\nINSERT INTO kept VALUES ('two');\nCREATE TABLE made (a TEXT);\n\n"


@pytest.fixture
def failing(database: RawDatabase, tmp_path: Path) -> Path:
    folder = write_files(tmp_path / "sql", _001_good=GOOD)
    migrator(database, folder).apply()
    return write_files(
        folder,
        _002_bad=BAD + "INSERT INTO nobody VALUES ('secret-value');\n",
        _003_after="CREATE TABLE after (a TEXT);",
    )


def test_a_failure_is_rolled_back_and_says_where(database: RawDatabase, failing: Path) -> None:
    items = migrator(database, failing).apply()
    assert states(items) == {1: "applied", 2: "failed", 3: "pending"}
    assert database.rows("SELECT a FROM kept") == [("one",)]
    assert database.tables() == {"kept", "migrations", "migration_failures"}
    problem = items[1].problem
    assert problem is not None
    assert problem.category is Category.MIGRATION
    assert "002_bad.sql, line 5" in problem.text
    assert "nobody" in problem.text
    assert problem.detail.startswith("002_bad.sql:5: INSERT INTO nobody")
    assert "003" not in items[1].sentence
    assert "002" in items[2].sentence


def test_the_failure_survives_a_restart_and_the_database_is_usable(address: str, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "sql", _001_good=GOOD, _002_bad=BAD + "SELECT nothing FROM nowhere;")
    with closing(connect(address)) as first:
        migrator(first, folder).apply()
    with closing(connect(address)) as second:
        items = migrator(second, folder).items()
        assert states(items) == {1: "applied", 2: "failed"}
        assert items[1].problem is not None
        assert "line 5" in items[1].problem.text
        second.rows("INSERT INTO kept VALUES ('still works')")
        assert second.rows("SELECT count(*) FROM kept") == [(2,)]


def test_the_mended_file_runs_and_the_failure_is_history(database: RawDatabase, failing: Path) -> None:
    migrator(database, failing).apply()
    write_files(failing, _002_bad=BAD)
    assert set(states(migrator(database, failing).apply()).values()) == {"applied"}
    assert database.rows("SELECT count(*) FROM migration_failures") == [(0,)]
    assert database.rows("SELECT a FROM kept ORDER BY a") == [("one",), ("two",)]


def test_repair_forgets_a_failure_and_changes_nothing_else(database: RawDatabase, failing: Path) -> None:
    engine = migrator(database, failing)
    engine.apply()
    assert [change.number for change in engine.repair_preview()] == [2]
    engine.repair()
    assert states(engine.items()) == {1: "applied", 2: "pending", 3: "pending"}


def test_the_very_first_statement_may_fail_on_an_empty_database(database: RawDatabase, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "sql", _001_bad="CREATE TABEL wrong (a TEXT)")
    assert states(migrator(database, folder).apply()) == {1: "failed"}
    assert states(migrator(database, folder).items()) == {1: "failed"}


def test_what_a_driver_says_about_a_row_is_not_repeated(postgres_url: str, tmp_path: Path) -> None:
    folder = write_files(
        tmp_path / "sql",
        _001_rows="CREATE TABLE t (a TEXT UNIQUE, b TEXT NOT NULL);\nINSERT INTO t SELECT 'canary-1', NULL;",
    )
    with closing(connect(postgres_url)) as database:
        (item,) = migrator(database, folder).apply()
    assert item.problem is not None
    assert "not-null" in item.problem.text
    assert "canary-1" not in item.problem.text


@pytest.mark.parametrize("edit", ["crlf", "bom"])
def test_newlines_or_a_bom_alone_are_no_edit(database: RawDatabase, tmp_path: Path, edit: str) -> None:
    folder = write_files(tmp_path / "sql", _001_good=GOOD)
    migrator(database, folder).apply()
    file = folder / "001_good.sql"
    content = file.read_bytes()
    file.write_bytes(content.replace(b"\n", b"\r\n") if edit == "crlf" else b"\xef\xbb\xbf" + content)
    assert migrator(database, folder).up_to_date()


def test_two_files_with_one_number_stop_everything_before_it_begins(database: RawDatabase, failing: Path) -> None:
    write_files(failing, _001_twice="CREATE TABLE twice (a TEXT)")
    with pytest.raises(Exception, match=r"001_good\.sql and 001_twice\.sql"):
        migrator(database, failing).apply()
    assert "twice" not in database.tables()
    assert "made" not in database.tables()


AWKWARD = """\ufeff-- a comment; with a semicolon and a 'quote
CREATE TABLE texts (number INTEGER, text TEXT);\r
INSERT INTO texts VALUES (1, '100 % of %s; and %(name)s, {braces}, ? and :name'); -- done; really
/* block; /* nested; */ still 'comment' ; */
INSERT INTO texts VALUES (2, 'it''s; -- not a comment /* nor this');
INSERT INTO texts
VALUES (3, 'line one;
line two'), (4, '$$ not; a body $$'), (5, '$1 back\\slash');
CREATE TABLE "odd;name" ("a "" b" TEXT);
INSERT INTO "odd;name" VALUES ('%');
;;
UPDATE texts SET text = text || '%' WHERE text LIKE '%body%'
"""


def test_awkward_text_has_the_same_result_on_both(tmp_path: Path, postgres_url: str) -> None:
    folder = write_files(tmp_path / "sql", _001_awkward=AWKWARD)
    results = []
    for address in (str(tmp_path / "cts.db"), postgres_url):
        with closing(connect(address)) as database:
            items = migrator(database, folder).apply()
            assert states(items) == {1: "applied"}, items[0].problem
            results.append(
                (
                    database.rows("SELECT number, text FROM texts ORDER BY number"),
                    database.rows('SELECT "a "" b" FROM "odd;name"'),
                )
            )
    assert results[0] == results[1]
    assert [text for _number, text in results[0][0]] == [
        "100 % of %s; and %(name)s, {braces}, ? and :name",
        "it's; -- not a comment /* nor this",
        "line one;\nline two",
        "$$ not; a body $$%",
        "$1 back\\slash",
    ]


def test_bodies_with_semicolons_run_whole_on_their_own_dialect(tmp_path: Path, postgres_url: str) -> None:
    folder = write_files(
        tmp_path / "sql",
        **{
            "_001_counter.sqlite": "CREATE TABLE t (a INTEGER); CREATE TABLE n (c INTEGER); INSERT INTO n VALUES (0);\n"
            "CREATE TRIGGER count_t AFTER INSERT ON t BEGIN\n UPDATE n SET c = CASE WHEN new.a % 2 = 0"
            " THEN c + 1 ELSE c END; SELECT 'END; %';\nEND;\nINSERT INTO t VALUES (1), (2), (4);",
            "_001_counter.postgresql": "CREATE TABLE t (a INTEGER); CREATE TABLE n (c INTEGER);"
            " INSERT INTO n VALUES (0);\n"
            "CREATE FUNCTION count_t() RETURNS trigger LANGUAGE plpgsql AS $body$\nBEGIN\n -- 'a; quote\n"
            " IF new.a % 2 = 0 THEN UPDATE n SET c = c + 1; END IF;\n EXECUTE $$SELECT 1;$$;\n RETURN new;\nEND;\n"
            "$body$;\nCREATE TRIGGER count_t AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION count_t();\n"
            "INSERT INTO t VALUES (1), (2), (4);",
        },
    )
    for address in (str(tmp_path / "cts.db"), postgres_url):
        with closing(connect(address)) as database:
            items = migrator(database, folder).apply()
            assert states(items) == {1: "applied"}, items[0].problem
            assert database.rows("SELECT c FROM n") == [(2,)]


def target_of(address: str) -> Target:
    return Target(Backend.POSTGRESQL, parse_address(address)) if "://" in address else Target()


def test_a_schema_too_short_to_save_is_mended_without_a_restart(address: str, tmp_path: Path) -> None:
    folder = shutil.copytree(MIGRATIONS, tmp_path / "sql")
    broken = list(folder.glob("082_*"))
    for file in broken:
        file.write_text("SELECT nothing FROM nowhere;", encoding="utf-8")
    with open_kit(tmp_path / "data", fresh=True, migrations=folder, target=lambda: target_of(address)) as kit:
        assert kit.state() is StoreState.READ_ONLY
        assert kit.problem is not None
        assert "082_create_deleted_connections" in kit.problem.text
        short = next(step for step in kit.steps if step.step == "list").problem
        assert short is not None
        assert "the migrations that did not run" in short.text
        for file in broken:
            shutil.copy(MIGRATIONS / file.name, file)
        service = MigrationService(kit.store, Events())
        assert set(states(service.apply()).values()) == {"applied"}
        assert kit.store.status.state is StoreState.ONLINE
        assert kit.store.status.problem is None
        kit.add("Saved")
        assert kit.names() == ["Saved"]


def test_a_failure_that_was_mended_is_no_problem_of_the_store_any_more(address: str, tmp_path: Path) -> None:
    folder = shutil.copytree(MIGRATIONS, tmp_path / "sql")
    write_files(folder, _090_bad="SELECT nothing FROM nowhere;")
    with open_kit(tmp_path / "data", fresh=True, migrations=folder, target=lambda: target_of(address)) as kit:
        assert "090_bad.sql, line 1" in problem_text(kit)
        service = MigrationService(kit.store, Events())
        service.repair()
        assert problem_text(kit) == ""
        assert states(service.items())[90] == "pending"
        assert states(service.apply())[90] == "failed"
        assert "090_bad.sql, line 1" in problem_text(kit)
        write_files(folder, _090_bad="CREATE TABLE fine (a TEXT);")
        assert states(service.apply())[90] == "applied"
        assert problem_text(kit) == ""
        assert kit.state() is StoreState.ONLINE


def problem_text(kit: Kit) -> str:
    return kit.problem.text if kit.problem else ""
