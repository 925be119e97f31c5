"""A person brings a CTS v3.1 folder, looks, scrubs, and goes on: the program itself, as it is started."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.canary import canaries_in, canaries_under
from tests.e2e.program import Program
from tests.fixtures.cts31 import Canaries, json_record, shape_a, shape_b, write

Shape = Callable[[Path, Canaries], int]


@pytest.mark.parametrize(("make", "came", "tables"), [(shape_a, 9, 33), (shape_b, 4, 20)])
def test_a_folder_comes_over_and_is_scrubbed(program: Program, make: Shape, came: int, tables: int) -> None:
    canaries = Canaries()
    make(program.folder / "cts.db", canaries)
    write(program.folder / "connections" / "bingx-x01.json", json_record(canaries, "bingx-x01"))

    status = program.status()
    assert status["store"]["problem"] is None
    assert status["connections"]["total"] == came + 1
    assert status["migrations"]["applied"] == status["migrations"]["total"] >= 16
    report = status["take_over"]
    assert (report["connections"], len(report["tables"])) == (came + 1, tables)
    assert len(report["renamed"]) == 1
    assert {"connections/bingx-x01.json", report["backup"]} <= set(report["plaintext"])

    rows = program.run("connections", "list", "--json").json
    assert len(rows) == came + 1
    assert any(row["api_key_set"] and row["api_secret_set"] for row in rows)

    before = program.run("legacy", "scrub", code=1)
    assert "--yes" in before.err
    # What was left out has its key nowhere else.
    assert ("keys of what did not come over" in before.err) == bool(report["skipped"])
    done = program.run("legacy", "scrub", "--yes", "--json").json
    assert done["done"]
    assert done["plaintext"] == []
    assert canaries_under(program.folder, canaries.made) == []
    said = "".join(ran.out + ran.err for ran in program.ran).encode()
    assert canaries_in(said, canaries.made) == []

    after = program.status()
    assert after["connections"]["total"] == came + 1
    assert after["take_over"]["plaintext"] == []
    again = {row["id"]: (row["name"], row["api_key_set"]) for row in program.run("connections", "list", "--json").json}
    assert again == {row["id"]: (row["name"], row["api_key_set"]) for row in rows}


def test_the_report_is_for_people_too(program: Program) -> None:
    shape_a(program.folder / "cts.db", Canaries())
    text = program.run("legacy").out
    assert "Bybit main (2)" in text
    assert "mtgox" in text
    assert "legacy_market_data" in text
    assert "2,000" in text
    assert "legacy scrub --yes" in text
    assert "\u202e" not in text


def test_an_emptied_old_folder_still_opens(program: Program) -> None:
    """Its `migrations` table has the name of our ledger and other columns."""
    program.folder.mkdir()
    with closing(sqlite3.connect(program.folder / "cts.db")) as connection:
        connection.execute("CREATE TABLE migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE, executed_at TEXT)")
        connection.execute("INSERT INTO migrations (name) VALUES ('init_000_CREATE_X')")
        connection.commit()
    status = program.status()
    assert status["migrations"]["applied"] == status["migrations"]["total"]
    assert status["take_over"]["tables"] == {"legacy_migrations": 1}


def test_arrays_alone_come_over_at_the_first_start(program: Program) -> None:
    canaries = Canaries()
    write(program.folder / "connections.json", [json_record(canaries, "okx-x01", exchange="okex")])
    (row,) = program.run("connections", "list", "--json").json
    assert (row["name"], row["exchange"], row["api_key_set"]) == ("OKX-X01", "okx", True)
    program.run("legacy", "scrub", "--yes")
    assert canaries_under(program.folder, canaries.made) == []
    assert program.names() == ["OKX-X01"]
