"""Commands against the least they could be: a process that imports Peewee, opens the file and reads it.

The floor imports Peewee as anyone does, and so psycopg2 with it; the program does without that for a database in a
file.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import in_turns, report
from benchmarks.start import CONNECTIONS, ROOT, fill

BAR = 1.6
FLOOR = """
import sys
import peewee
database = peewee.SqliteDatabase(sys.argv[1])
database.connect()
rows = database.execute_sql("SELECT id, name, exchange, enabled FROM exchange_connections").fetchall()
done = database.execute_sql("SELECT number, name, checksum FROM migrations").fetchall()
print(len(rows), len(done))
database.close()
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder, fresh = Path(scratch) / "data", Path(scratch) / "fresh"
        fill(folder, CONNECTIONS)
        program = [sys.executable, "main.py", "--data-dir"]
        floor = [sys.executable, "-c", FLOOR, str(folder / "cts.db")]
        runs = {
            "python, nothing else": [sys.executable, "-c", "pass"],
            "Peewee imported, file opened and read": floor,
            "status --json, nothing to do": [*program, str(folder), "status", "--json"],
            "list --json": [*program, str(folder), "connections", "list", "--json"],
            "migrations --json": [*program, str(folder), "migrations", "--json"],
        }
        medians = in_turns({name: lambda command=command: _run(command) for name, command in runs.items()}, rounds=15)  # type: ignore[misc]
        first = [*program, str(fresh), "status", "--json"]
        medians |= in_turns({"status --json, first run, every migration": lambda: _first(first, fresh)}, rounds=5)
        name = f"Commands, {CONNECTIONS:,} connections, whole process"
        report(name, medians, "Peewee imported, file opened and read", {"status --json, nothing to do": BAR})
        processor = {name: min(_processor(command) for _ in range(9)) for name, command in runs.items()}
        report("Processor time (user + system), least", processor, "Peewee imported, file opened and read")


def _run(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def _first(command: list[str], folder: Path) -> float:
    shutil.rmtree(folder, ignore_errors=True)
    return _run(command)


def _processor(command: list[str]) -> float:
    before = os.times()
    _run(command)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
