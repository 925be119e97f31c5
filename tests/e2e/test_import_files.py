"""Files in and out by the commands: all of what is good, none of what is not, and every refusal said."""

import json
import time
from pathlib import Path

from tests.canary import canaries_in
from tests.e2e.program import Program
from tests.fixtures.cts31 import Canaries, json_record, write


def test_a_file_of_cts_is_previewed_and_added_once(program: Program, tmp_path: Path) -> None:
    canaries = Canaries()
    file = write(tmp_path / "more.json", [json_record(canaries, "gate-9", name="Three", exchange="gateio")])
    assert program.run("import", str(file), "--dry-run", "--json").json["added"] == 1
    assert program.names() == []
    assert program.run("import", str(file), "--json").json["added"] == 1
    assert program.run("import", str(file), "--json").json["added"] == 0
    assert program.run("connections", "show", "Three", "--json").json["api_secret_set"]
    assert canaries_in(program.everything_written(), canaries.made) == []


def test_a_file_that_is_no_import_is_refused_whole(program: Program, tmp_path: Path) -> None:
    good = write(tmp_path / "good.json", [{"name": "One", "exchange": "bybit"}])
    bad = tmp_path / "bad.json"
    bad.write_bytes(json.dumps([{"name": "Two"}]).encode("utf-16"))
    ran = program.run("import", str(good), str(bad), "--json", code=1)
    assert ran.problem["category"] in {"BAD_FILE", "INVALID"}
    assert "bad.json" in ran.problem["text"]
    assert program.names() == []
    assert program.run("import", str(tmp_path / "none.json"), "--json", code=1).out == ""


def test_a_record_that_is_refused_is_a_problem_and_the_others_come(program: Program, tmp_path: Path) -> None:
    records = [{"name": "Good", "exchange": "bybit"}, {"name": "Bad", "exchange": "nowhere"}]
    file = write(tmp_path / "mixed.json", records)
    ran = program.run("import", str(file), "--json", code=1)
    assert (ran.json["added"], ran.json["refused"]) == (1, 1)
    assert ran.problem["category"] == "INVALID"
    assert program.names() == ["Good"]


def test_an_import_is_in_the_record_files_when_the_command_ends(program: Program) -> None:
    wanted = [{"name": f"Desk {number:03}", "exchange": "bybit"} for number in range(120)]
    source = program.folder.parent / "many.json"
    source.write_text(json.dumps(wanted), encoding="utf-8")
    program.run("import", str(source))
    records = program.folder / "connections"
    ids = {each["id"] for each in program.run("connections", "list", "--json").json}
    assert {path.stem for path in records.glob("*-*.json")} == ids
    assert len(ids) == 120
    for each in sorted(records.glob("*-*.json"))[:3]:
        each.unlink()
    assert program.status()["health"]["mirror_lag"] == 3
    assert {path.stem for path in records.glob("*-*.json")} == ids
    assert program.status()["health"]["mirror_lag"] == 0


def test_a_command_that_changes_nothing_leaves_the_index_as_it_is(program: Program) -> None:
    program.add(name="Bybit main", exchange="bybit")
    time.sleep(2.2)
    program.status()
    index = program.folder / "connections" / "connections.json"
    before = index.stat()
    program.status()
    program.run("connections", "list")
    assert (index.stat().st_ino, index.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
