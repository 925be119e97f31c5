"""F01: a writer is killed with SIGKILL at a random moment; what it called saved is there, whole."""

import os
import random
import select
import signal
import subprocess
import time
from pathlib import Path

from storage.atomic_file import backup_of, sweep
from storage.json_file import read_json
from tests.faults.real_faults import child

ROUNDS = int(os.environ.get("CTS_KILL_ROUNDS", "30"))

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


def kill_at_random(path: Path, moment: random.Random) -> int:
    """Run a writer, kill it, and return the last number that it said was saved (0: none)."""
    with subprocess.Popen(child(WRITER, path), stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert select.select([writer.stdout], [], [], 30)[0]
        time.sleep(moment.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        said = writer.stdout.read().decode().split("\n")[:-1]
    assert writer.returncode == -signal.SIGKILL
    return int(said[-1]) if said else 0


def test_f01_what_was_called_saved_is_there_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    moment = random.Random(os.environ.get("CTS_SEED", "1"))
    swept = 0
    for _ in range(ROUNDS):
        saved = kill_at_random(path, moment)
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
