"""F01: a writer is killed with SIGKILL at a random moment; what it called saved is there, whole."""

from pathlib import Path

from storage.atomic_file import backup_of, sweep
from storage.json_file import read_json
from tests.faults.killed_writers import ROUNDS, killer_of

WRITER = """
import os
from pathlib import Path
from storage.json_file import read_json, write_json
path = Path(sys.argv[1])
number = read_json(path)["number"] if path.exists() else 0
while True:
    number += 1
    write_json(path, {"number": number, "filler": [number] * (number % 7 * 1000)})
    os.write(1, b"%d\\n" % number)
"""


def test_f01_what_was_called_saved_is_there_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    swept = 0
    with killer_of(WRITER, seconds=0.03) as killer:
        for _ in range(ROUNDS):
            saved = killer.kill_one(path)[-1]
            swept += sweep(tmp_path)
            record = read_json(path)
            # The one after the last that it could still name may have been finished too.
            assert record["number"] in {saved, saved + 1}
            assert record["filler"] == [record["number"]] * (record["number"] % 7 * 1000)
            if record["number"] > 1:
                assert read_json(backup_of(path))["number"] in {record["number"] - 1, record["number"]}
            assert {entry.name for entry in tmp_path.iterdir()} <= {"record.json", "record.json.bak"}
    # Some of the kills must have come in the middle of a write, or this test shows nothing.
    assert swept > 0 or ROUNDS < 20
