"""F48: several programs migrate one database at once, and one of them is suspended while it holds the lock."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.bare_postgres import wait_until
from tests.databases import MIGRATIONS, connect, migrator, write_files

Process = subprocess.Popen[str]


@contextmanager
def program(address: str, folder: Path, wait: float, *stop: int) -> Iterator[Process]:
    command = [sys.executable, "-m", "tests.faults.migrating", address, str(folder), str(wait), *map(str, stop)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def go(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def answer(process: Process) -> dict[str, Any]:
    output, _ = process.communicate(timeout=60)
    found: dict[str, Any] = json.loads(output)
    return found


def test_each_step_is_applied_once_whoever_comes_first(address: str) -> None:
    with ExitStack() as stack:
        programs = [stack.enter_context(program(address, MIGRATIONS, 30)) for _ in range(3)]
        for process in programs:
            go(process)
        answers = [answer(process) for process in programs]
    for each in answers:
        assert "states" in each, each
        assert set(each["states"].values()) == {"applied"}
    ran = sorted(number for each in answers for number in each["ran"])
    with closing(connect(address)) as database:
        assert ran == [row[0] for row in database.rows("SELECT number FROM migrations ORDER BY number")]
        assert migrator(database).up_to_date()


def test_a_suspended_holder_is_named_and_nothing_is_lost_when_it_wakes(address: str, tmp_path: Path) -> None:
    folder = write_files(
        tmp_path / "sql", _001_one="CREATE TABLE one (a TEXT)", _002_two="CREATE TABLE two (a TEXT); SELECT 1;"
    )
    with program(address, folder, 30, 2, 1) as holder, program(address, folder, 0.5) as other:
        go(holder)
        wait_until(lambda: psutil.Process(holder.pid).status() == psutil.STATUS_STOPPED)
        go(other)
        problem = answer(other)["problem"]
        assert problem["category"] == "BUSY"
        assert "Close that program" in problem["solution"]
        if address.startswith("postgresql://"):
            assert "cts-test" in problem["text"]
            assert "user postgres" in problem["text"]
        os.kill(holder.pid, signal.SIGCONT)
        assert set(answer(holder)["states"].values()) == {"applied"}
    with closing(connect(address)) as database:
        assert migrator(database, folder).up_to_date()
