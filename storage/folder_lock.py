"""One program at a time changes a data folder: an advisory lock on `data/.lock`, which ends with its process.

The file is never deleted: a lock on a deleted file and one on its successor would both be held.
"""

import errno
import os
import stat
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from models.problem import Category, Problem

_TEXT_LIMIT = 200
_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}
_UNUSABLE = {errno.ELOOP, errno.EISDIR, errno.ENXIO}
_ALWAYS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class FolderLock:
    """`acquire()` never waits. After it said False, `holder` tells who has the folder and since when."""

    def __init__(self, path: Path, program: str = "CTS Connections") -> None:
        self._path = path
        self._program = program
        self._descriptor: int | None = None
        self.holder = ""

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def acquire(self) -> bool:
        """Take the lock, or learn who has it. A folder that cannot be written counts as free: nobody changes it."""
        if self.held:
            return True
        try:
            descriptor = self._open()
        except OSError as error:
            return self._refuse() if error.errno in _UNUSABLE else True
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return self._refuse()
        try:
            _lock(descriptor)
        except OSError as error:
            self.holder = _read_holder(descriptor) if error.errno in _TAKEN else ""
            os.close(descriptor)
            # Some network drives cannot lock at all; there a second program goes unnoticed.
            return error.errno not in _TAKEN
        self._descriptor = descriptor
        self._write_holder(descriptor)
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def problem(self) -> Problem:
        """Return what to tell the person whose start found the folder taken."""
        who = self.holder or "another program"
        return Problem(
            Category.IN_USE,
            f"This data folder is in use by {who}. Everything is shown, and nothing can be changed here.",
            "Use the other window, or close it and start again.",
        )

    def _refuse(self) -> bool:
        self.holder = f"something that put another thing in the place of {self._path}"
        return False

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | _ALWAYS, 0o600)
        except OSError as error:
            if error.errno not in {errno.EROFS, errno.EACCES, errno.EPERM}:
                raise
            return os.open(self._path, os.O_RDONLY | _ALWAYS)

    def _write_holder(self, descriptor: int) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        text = f"{self._program}, process {os.getpid()}, since {now}\n".encode()
        # The lock holds without its text: a full or read-only disk does not matter.
        with suppress(OSError):
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, text)
            os.ftruncate(descriptor, len(text))


def _read_holder(descriptor: int) -> str:
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        text = os.read(descriptor, _TEXT_LIMIT).decode("utf-8", "replace")
    except OSError:
        return ""
    return "".join(character for character in text if character.isprintable()).strip()


if sys.platform == "win32":
    import msvcrt

    # A Windows lock also stops reading; a byte far behind the text leaves the holder's words readable.
    _FAR = 1 << 30

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
