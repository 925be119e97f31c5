"""A CTS v3.1 data folder through the commands: everything comes over once, and the scrub leaves no byte in clear."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.canary import canaries_in, canaries_under
from tests.e2e.program import Program
from tests.fixtures.cts31 import Canaries, json_record, shape_a, shape_b, write


@pytest.mark.parametrize("make", [shape_a, shape_b], ids=["A", "B"])
def test_a_folder_of_either_shape_opens_with_everything(
    program: Program, make: Callable[[Path, Canaries], int]
) -> None:
    canaries = Canaries()
    program.folder.mkdir()
    expected = make(program.folder / "cts.db", canaries)

    status = program.status()
    came, left_out = status["take_over"]["connections"], status["take_over"]["skipped"]
    assert status["connections"]["total"] == came == expected - len(left_out)
    assert all(one["what"] and one["why"] for one in left_out)
    assert status["migrations"]["applied"] == status["migrations"]["total"]
    assert {item["state"] for item in status["migrations"]["items"]} == {"applied"}
    assert status["take_over"]["plaintext"]
    assert "legacy scrub" in program.run("status").out
    assert any(name.startswith("legacy_") for name in status["take_over"]["tables"])

    rows = program.run("connections", "list", "--json").json
    assert len(rows) == came
    assert any(row["api_key_set"] and row["api_secret_set"] for row in rows)
    # The second start finds nothing to do.
    assert program.status()["connections"]["total"] == came

    asked = program.run("legacy", "scrub", "--json", code=1)
    assert asked.problem["category"] == "LEGACY"
    assert canaries_under(program.folder, canaries.made)
    cleaned = program.run("legacy", "scrub", "--yes", "--json").json
    assert cleaned["plaintext"] == []
    assert canaries_under(program.folder, canaries.made) == []
    assert program.status()["take_over"]["plaintext"] == []
    assert len(program.run("connections", "list", "--json").json) == came
    said = "".join(ran.out + ran.err for ran in program.ran).encode()
    assert canaries_in(said, canaries.made) == []


def test_json_files_come_over_and_by_import(program: Program, tmp_path: Path) -> None:
    canaries = Canaries()
    folder = program.folder / "connections"
    folder.mkdir(parents=True)
    write(folder / "connections.json", [json_record(canaries, "bybit-x03", name="One", exchange="bybit")])
    write(folder / "okx-1.json", json_record(canaries, "okx-1", name="One", exchange="okx"))
    status = program.status()
    assert status["take_over"]["connections"] == 2
    names = program.names()
    assert len(set(names)) == 2
    assert "One" in names

    file = write(tmp_path / "more.json", [json_record(canaries, "gate-9", name="Three", exchange="gateio")])
    assert program.run("import", str(file), "--dry-run", "--json").json["added"] == 1
    assert "Three" not in program.names()
    assert program.run("import", str(file), "--json").json["added"] == 1
    assert program.run("import", str(file), "--json").json["added"] == 0
    assert program.run("connections", "show", "Three", "--json").json["api_secret_set"]
    said = "".join(ran.out + ran.err for ran in program.ran).encode()
    assert canaries_in(said, canaries.made) == []


def test_an_import_that_is_no_import_is_refused_whole(program: Program, tmp_path: Path) -> None:
    good = write(tmp_path / "good.json", [{"name": "One", "exchange": "bybit"}])
    bad = tmp_path / "bad.json"
    bad.write_bytes(json.dumps([{"name": "Two"}]).encode("utf-16"))
    ran = program.run("import", str(good), str(bad), "--json", code=1)
    assert ran.problem["category"] in {"BAD_FILE", "INVALID"}
    assert "bad.json" in ran.problem["text"]
    assert program.names() == []
    assert program.run("import", str(tmp_path / "none.json"), "--json", code=1).out == ""


def test_a_legacy_report_where_there_was_nothing(program: Program) -> None:
    assert program.run("legacy", "report", "--json").json == {}
    assert "Nothing was taken over" in program.run("legacy").out
    assert program.run("legacy", "scrub", "--yes", "--json").json["plaintext"] == []
