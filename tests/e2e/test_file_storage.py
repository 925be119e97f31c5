"""Sessions on the JSON files alone, between sessions on a database: what either stored is in the other, once."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import Program

FILES = "USE_FILE_STORAGE"


@pytest.fixture
def desk(tmp_path: Path) -> Program:
    return Program(tmp_path / "data", {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"})


def edit(desk: Program, name: str, text: str) -> None:
    desk.run("connections", "edit", name, stdin=f'{{"note": "{text}"}}')


def notes(desk: Program) -> dict[str, Any]:
    return {name: desk.run("connections", "show", name, "--json").json["note"] for name in desk.names()}


def plain_sql(desk: Program, *statements: str) -> None:
    with closing(sqlite3.connect(desk.folder / "cts.db")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def test_what_was_stored_on_files_comes_into_the_database_and_back(desk: Program) -> None:
    desk.environment[FILES] = "true"
    for name in ("First", "Gone", "Edited"):
        desk.add(name=name, exchange="okx", note="made")
    edit(desk, "Edited", "on files")
    desk.run("connections", "remove", "Gone")
    desk.environment[FILES] = "false"
    assert notes(desk) == {"First": "made", "Edited": "on files"}
    assert desk.run("changes", "--json").json == {"waiting": [], "rejected": [], "conflicts": []}
    edit(desk, "First", "in the database")
    plain_sql(
        desk, "UPDATE exchange_connections SET note = 'by plain SQL', revision = revision + 1 WHERE name = 'Edited'"
    )
    desk.add(name="New", exchange="okx")
    desk.status()
    desk.environment[FILES] = "true"
    assert notes(desk) == {"First": "in the database", "Edited": "by plain SQL", "New": ""}


def test_both_changed_meanwhile(desk: Program) -> None:
    for name in ("Same field", "Other field", "Deleted on files", "Deleted by plain SQL", "Still there"):
        desk.add(name=name, exchange="okx", note="base")
    desk.environment[FILES] = "true"
    for name in ("Same field", "Other field"):
        edit(desk, name, "on files")
    desk.run("connections", "remove", "Deleted on files")
    plain_sql(
        desk,
        "UPDATE exchange_connections SET note = 'by plain SQL', revision = revision + 1 WHERE name = 'Same field'",
        "UPDATE exchange_connections SET leverage_limit = 7 WHERE name = 'Other field'",
        "DELETE FROM exchange_connections WHERE name = 'Deleted by plain SQL'",
    )
    del desk.environment[FILES]
    assert notes(desk) == {"Same field": "by plain SQL", "Other field": "on files", "Still there": "base"}
    assert desk.run("connections", "show", "Other field", "--json").json["leverage_limit"] == 7
    (conflict,) = desk.run("changes", "--json").json["conflicts"]
    assert (conflict["name"], conflict["mine"]) == ("Same field", {"note": "on files"})
    # What plain SQL deleted is not shown by a later session on files either.
    desk.environment[FILES] = "true"
    assert set(desk.names()) == {"Same field", "Other field", "Still there"}
