"""Kill a migrating process at every statement: `python -m tests.faults.killed_migrations ADDRESS FOLDER`.

Each run is a fork that kills itself (SIGKILL) at one point; the parent then looks at the database with eyes of its own.
Prints the number of kills as JSON, or fails with the point where something was half done.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from storage.migrator.files import Migration, find_migrations
from tests.databases import connect, migrator, states

Hook = Callable[[Migration, int], None]


def main(address: str, folder: Path) -> None:
    dialect = "postgresql" if address.startswith("postgresql://") else "sqlite"
    kills = 0
    applied: list[int] = []
    for migration in find_migrations(folder, dialect):
        for point in range(len(migration.statements) + 2):
            _killed_at(address, folder, migration.number, point)
            kills += 1
            _nothing_is_half_done(address, folder, applied, f"{migration.path.name} at {point}")
        applied.append(migration.number)
    print(json.dumps({"kills": kills, "at_random": _killed_at_random(address, folder, 5)}))


def _killed_at(address: str, folder: Path, number: int, point: int) -> None:
    def hook(migration: Migration, index: int) -> None:
        if (migration.number, index) == (number, point):
            os.kill(os.getpid(), signal.SIGKILL)

    child = _apply_in_fork(address, folder, hook)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{number} at {point}: not killed but ended with {status}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def _killed_at_random(address: str, folder: Path, times: int) -> int:
    """Kill from outside, in the middle of whatever it does."""
    killed = 0
    for _ in range(times):
        child = _apply_in_fork(address, folder, lambda _migration, _index: time.sleep(0.001))
        time.sleep(random.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
    return killed


def _apply_in_fork(address: str, folder: Path, hook: Hook) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with closing(connect(address)) as database:
            migrator(database, folder, hook=hook).apply()
        code = 0
    finally:
        os._exit(code)


def _nothing_is_half_done(address: str, folder: Path, applied: list[int], where: str) -> None:
    with closing(connect(address)) as database:
        found = states(migrator(database, folder).items())
        done = [number for number, state in found.items() if state == "applied"]
        assert done == applied, f"{where}: {done}"
        assert set(found.values()) <= {"applied", "pending"}, where
        expected = {f"made_by_{number}" for number in applied}
        made = {table for table in database.tables() if table.startswith("made_by_")}
        assert made == expected or not made, f"{where}: {made}"
        for number in applied if made else []:
            rows = database.rows(f"SELECT count(*) FROM made_by_{number}")
            assert rows == [(2,)], f"{where}: {rows}"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
