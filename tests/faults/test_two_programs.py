"""F42: two programs on one data folder. The second is told who has it; no lock outlives its process."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.problem import Category
from storage.folder_lock import FolderLock
from tests.faults.real_faults import child, run

HOLD = """
import time
from pathlib import Path
from storage.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
time.sleep(600)
"""
TRY = """
from pathlib import Path
from storage.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print(lock.acquire(), lock.holder)
"""


@contextmanager
def holder(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(child(HOLD, path), stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"True\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".lock"


@pytest.mark.parametrize("stopped", [False, True])
def test_f42_the_second_is_told_who_and_since_when(path: Path, stopped: bool) -> None:
    with holder(path) as first:
        if stopped:
            first.send_signal(signal.SIGSTOP)
        answer = run(TRY, path)
        expected = rf"False CTS Connections, process {first.pid}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
        assert re.fullmatch(expected, answer)
        mine = FolderLock(path)
        assert not mine.acquire()
        problem = mine.problem()
        assert problem.category is Category.IN_USE
        assert f"process {first.pid}" in problem.text


def test_f42_a_killed_program_leaves_a_free_folder_and_the_file(path: Path) -> None:
    with holder(path) as first:
        first.kill()
        first.wait()
        inode = path.stat().st_ino
        lock = FolderLock(path)
        assert lock.acquire()
        assert f"process {os.getpid()}" in path.read_text()
        lock.release()
        assert path.stat().st_ino == inode


def test_f42_only_one_of_many_gets_it(path: Path) -> None:
    command = child(TRY + "sys.stdout.flush(); sys.stdin.read()", path)
    programs = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(5)]
    try:
        answers = [program.stdout.readline().split()[0] for program in programs if program.stdout is not None]
    finally:
        for program in programs:
            program.communicate()
    assert sorted(answers) == ["False"] * 4 + ["True"]


def test_released_is_free_and_taking_twice_is_having_it(path: Path) -> None:
    first, second = FolderLock(path), FolderLock(path)
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    first.release()
    first.release()
    assert path.read_bytes() == b""
    assert second.acquire()
    second.release()


def test_a_child_does_not_inherit_the_lock(path: Path) -> None:
    lock = FolderLock(path)
    assert lock.acquire()
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        lock.release()
        try:
            other = FolderLock(path)
            assert other.acquire()
            other.release()
        finally:
            sleeper.kill()


def test_what_the_holder_wrote_is_shown_as_plain_words(path: Path) -> None:
    lock = FolderLock(path)
    assert lock.acquire()
    path.write_bytes(b"\x1b[31mred\x00\n\xff" + b"x" * 5000)
    other = FolderLock(path)
    assert not other.acquire()
    assert len(other.holder) <= 200
    assert other.holder.isprintable()
    lock.release()
