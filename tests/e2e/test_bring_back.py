"""Records that were kept aside, by command: listed with the backups, shown before, brought back, and then done with."""

import shutil
import sqlite3
from contextlib import closing

from tests.e2e.program import Program


def test_kept_records_are_listed_and_brought_back(program: Program) -> None:
    kept = program.add(name="Lost", exchange="bybit")
    program.add(name="There", exchange="bybit")
    folder = program.folder / "quarantine" / "20260101T000000Z-connections"
    folder.mkdir()
    for path in (program.folder / "connections").glob("*-*.json"):
        shutil.copy(path, folder)
    (folder / f"{kept['id'][:-4]}0000.json").write_text("damaged")
    with closing(sqlite3.connect(program.folder / "cts.db")) as database, database:
        database.execute("DELETE FROM exchange_connections WHERE name = 'Lost'")
    assert program.names() == ["There"]
    (listed,) = [each for each in program.run("backup", "list", "--json").json if each["reason"] == "kept-records"]
    assert (listed["path"], listed["made_at"]) == (str(folder), "2026-01-01T00:00:00+00:00")
    asked = program.run("restore", folder.name, "--json", code=1).problem
    assert asked["text"].startswith("1 connection would be added, 0 would get what is newer here, and 1 would stay")
    assert program.names() == ["There"]
    done = program.run("restore", folder.name, "--yes", "--json").json
    assert (done["added"], done["newer"], done["left"]) == (1, 0, 1)
    assert program.names() == ["Lost", "There"]
    program.run("restore", folder.name, "--yes", code=1)
