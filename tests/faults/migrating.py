"""A program that migrates: `python -m tests.faults.migrating ADDRESS FOLDER WAIT [NUMBER POINT]`.

It says "ready" and waits for a line, so that several can be started together. With NUMBER and POINT it stops itself
(SIGSTOP) there, as a suspended laptop does, and goes on when it is woken. It prints states or Problem as JSON.
"""

import json
import os
import signal
import sys
from contextlib import closing
from pathlib import Path

from models.problem import CtsError
from storage.migrator.files import Migration
from tests.databases import connect, migrator, states


def main(address: str, folder: Path, wait: float, stop: tuple[int, ...]) -> None:
    ran: list[int] = []

    def hook(migration: Migration, index: int) -> None:
        if index == 0:
            ran.append(migration.number)
        if (migration.number, index) == stop:
            os.kill(os.getpid(), signal.SIGSTOP)

    with closing(connect(address, wait=0.05)) as database:
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            items = migrator(database, folder, hook=hook, wait=wait).apply()
        except CtsError as error:
            print(json.dumps({"problem": error.problem.as_json()}), flush=True)
        else:
            print(json.dumps({"states": states(items), "ran": ran}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), tuple(int(word) for word in sys.argv[4:]))
