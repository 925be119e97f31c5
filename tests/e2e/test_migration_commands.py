"""The commands of the migrations as a person runs them, on both databases: rehearsing and previewing write nothing,
and every state is told in its sentence with its action."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.databases import RawDatabase, connect
from tests.e2e.program import Program
from tests.fixtures.cts31 import Canaries, shape_a

LAST = 86


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    folder = tmp_path / "data"
    folder.mkdir()
    if request.param == "sqlite":
        return Program(folder)
    return Program(folder, {"DATABASE_URL": str(request.getfixturevalue("postgres_url"))})


@pytest.fixture
def database(desk: Program) -> Iterator[RawDatabase]:
    """Open the desk's database, migrated by a first start."""
    desk.status()
    with closing(connect(desk.environment.get("DATABASE_URL", str(desk.folder / "cts.db")))) as opened:
        yield opened


def with_one_pending(database: RawDatabase) -> None:
    database.rows("DROP TABLE vault_keys")
    database.rows(f"DELETE FROM migrations WHERE number = {LAST}")


def everything(database: RawDatabase) -> dict[str, list[str]]:
    """Return all rows of all tables."""
    return {table: sorted(map(str, database.rows(f'SELECT * FROM "{table}"'))) for table in database.tables()}


def test_rehearsing_runs_what_is_pending_and_leaves_it_pending(desk: Program, database: RawDatabase) -> None:
    with_one_pending(database)
    before = everything(database)
    (tried,) = desk.run("migrations", "rehearse", "--json").json
    assert (tried["number"], tried["problem"]) == (LAST, None)
    assert "vault_keys" not in tried["rows_before"]
    assert tried["rows_after"]["vault_keys"] == 0
    told = desk.run("migrations", "rehearse").out
    assert "CREATE TABLE IF NOT EXISTS vault_keys" in told
    assert "vault_keys none -> 0" in told
    assert everything(database) == before
    assert desk.run("migrations", "list", "--json").json["applied"] == len(database.rows("SELECT * FROM migrations"))


def test_a_new_database_can_be_rehearsed_and_stays_empty(desk: Program) -> None:
    tried = desk.run("migrations", "rehearse", "--json").json
    assert [one["problem"] for one in tried] == [None] * len(tried)
    assert tried[-1]["number"] == LAST
    with closing(connect(desk.environment.get("DATABASE_URL", str(desk.folder / "cts.db")))) as database:
        assert database.tables() == set()


def test_a_cts31_folder_is_not_taken_over_by_a_rehearsal(tmp_path: Path) -> None:
    program = Program(tmp_path)
    shape_a(tmp_path / "cts.db", Canaries(), candles=1)
    before = (tmp_path / "cts.db").read_bytes()
    for words in (("rehearse",), ("repair",), ("baseline", "71")):
        problem = program.run("migrations", *words, "--json", code=1).problem
        assert problem["category"] == "LEGACY"
        assert "not taken over" in problem["text"]
    assert (tmp_path / "cts.db").read_bytes() == before


def test_a_schema_made_by_hand_is_adopted_after_a_preview(desk: Program, database: RawDatabase) -> None:
    database.rows("DROP TABLE migrations")
    before = everything(database)
    asked = desk.run("migrations", "baseline", "71", code=1)
    assert "071  add_coordination_tables" in asked.out
    assert "--yes" in asked.err
    assert everything(database) == before
    done = desk.run("migrations", "baseline", "71", "--yes", "--json").json
    assert done["done"]
    assert {row[0] for row in database.rows("SELECT state FROM migrations")} == {"baseline"}
    listed = desk.run("migrations", "list")
    assert "071 is baseline: The database had it already; it was adopted, not run." in listed.out
    assert database.rows("SELECT count(*) FROM migrations WHERE state = 'applied'") == [(7,)]


def test_what_the_database_does_not_have_is_not_adopted(desk: Program, database: RawDatabase) -> None:
    database.rows("DELETE FROM migrations WHERE number >= 71")
    database.rows("DROP TABLE symbol_processing_queue")
    problem = desk.run("migrations", "baseline", "71", "--yes", "--json", code=1).problem
    assert problem["category"] == "SCHEMA"
    assert "no table symbol_processing_queue" in problem["text"]
    assert database.rows("SELECT max(number) FROM migrations") == [(70,)]


def test_every_state_is_told_with_one_action(desk: Program, database: RawDatabase) -> None:
    row = "'gone', 'x', '2026-01-30T00:00:00Z', 1, '0.1.0', 'applied'"
    database.rows(f"INSERT INTO migrations VALUES (12, {row})")
    database.rows("UPDATE migrations SET checksum = 'other' WHERE number = 51")
    database.rows("DELETE FROM migrations WHERE number IN (3)")
    told = desk.run("migrations", "list").out
    assert "003 is out of order: It has a lower number than 086" in told
    assert "Rehearse it, then apply it." in told
    assert "012 is missing: It was applied, and its file is gone." in told
    assert "or let Repair take it out of the list." in told
    assert "051 is changed: Its file was changed after it was applied." in told
    assert "or let Repair accept the file as it is now." in told
    shown = desk.run("migrations", "show", "12")
    assert shown.out.startswith("012 gone: missing. It was applied, and its file is gone.")
    assert desk.run("migrations", "show", "12", "--json").json["sql"] is None
    assert "let Repair accept" in desk.run("migrations", "show", "51").out


def test_a_newer_programs_migration_is_shown_and_its_ledger_left_alone(desk: Program, database: RawDatabase) -> None:
    row = "'later', 'x', '2026-01-30T00:00:00Z', 1, '9.4.0', 'applied'"
    database.rows(f"INSERT INTO migrations VALUES (120, {row})")
    database.rows("UPDATE migrations SET checksum = 'other' WHERE number = 51")
    before = everything(database)
    assert "Update the program to version 9.4.0 or later." in desk.run("migrations", "list").out
    assert "Update the program to version 9.4.0" in desk.run("migrations", "show", "120").out
    for words in (("repair",), ("repair", "--yes"), ("baseline", "86", "--yes")):
        assert desk.run("migrations", *words, "--json", code=1).problem["category"] == "SCHEMA"
    assert everything(database) == before
