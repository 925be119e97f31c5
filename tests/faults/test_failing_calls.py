"""F02: the n-th call of a write fails, once or from then on: the file is old or new, and not called saved.

The errors are raised at the thin layer of calls that a write makes; what is before and after them is the real disk.
"""

import errno
import os
from pathlib import Path

import pytest

from storage.atomic_file import FileCalls, backup_of, sweep, write_atomic


class FailingCalls(FileCalls):
    """Fails the call number `at` (from 0) with `code`; every later one too, where it `stays`. Counts them all."""

    def __init__(self, at: int, code: int, *, stays: bool) -> None:
        self.at, self.code, self.stays = at, code, stays
        self.count = 0
        self.failed: list[str] = []

    def _call(self, name: str) -> None:
        number = self.count
        self.count += 1
        if number == self.at or (self.stays and number > self.at):
            self.failed.append(name)
            raise OSError(self.code, os.strerror(self.code))

    def create(self, path: str, mode: int) -> int:
        self._call("create")
        return super().create(path, mode)

    def write(self, descriptor: int, content: bytes | memoryview) -> int:
        # Every write is cut in half, so that the failing one finds some of the content on the disk.
        self._call("write")
        return super().write(descriptor, content[: max(1, len(content) // 2)])

    def fsync(self, descriptor: int) -> None:
        self._call("fsync")
        super().fsync(descriptor)

    def link(self, source: str, target: str) -> None:
        self._call("link")
        super().link(source, target)

    def replace(self, source: str, target: str) -> None:
        self._call("replace")
        super().replace(source, target)

    def fsync_folder(self, folder: str) -> None:
        self._call("fsync_folder")
        super().fsync_folder(folder)


OLD, NEW = b"old" * 1000, b"new!" * 1000


def calls_of_a_save(folder: Path) -> int:
    """Return how many calls one save makes that replaces a file."""
    path = folder / "counted.json"
    write_atomic(path, OLD)
    calls = FailingCalls(10**9, errno.EIO, stays=False)
    write_atomic(path, NEW, calls=calls)
    assert path.read_bytes() == NEW
    assert calls.failed == []
    return calls.count


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_f02_the_nth_call_fails(tmp_path: Path, code: int, stays: bool) -> None:
    path = tmp_path / "record.json"
    seen: set[str] = set()
    for at in range(calls_of_a_save(tmp_path)):
        for leftover in tmp_path.iterdir():
            leftover.unlink()
        write_atomic(path, b"older")
        write_atomic(path, OLD)
        calls = FailingCalls(at, code, stays=stays)
        # EPERM and its like at the link are answered by a copy; these codes are not among them.
        with pytest.raises(OSError, match=os.strerror(code)):
            write_atomic(path, NEW, calls=calls)
        seen.update(calls.failed)
        is_last = calls.failed[0] == "fsync_folder"
        assert path.read_bytes() == (NEW if is_last else OLD)
        assert backup_of(path).read_bytes() in {b"older", OLD}
        assert [entry.name for entry in sorted(tmp_path.iterdir())] == ["record.json", "record.json.bak"]
        assert sweep(tmp_path) == 0
        # A new file, written from the start, is how one tries again.
        write_atomic(path, NEW)
        assert path.read_bytes() == NEW
    assert seen == {"create", "write", "fsync", "link", "replace", "fsync_folder"}
