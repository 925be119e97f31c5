"""The log on disk: private, rotating, and never a reason for the program to fail.

The standard library's rotating handler prints the unformatted record, arguments and all, to standard error when the
disk is full, and creates files that others may read. So this writer is our own.
"""

import os
import stat
import time
from pathlib import Path
from typing import Final

SIZE: Final = 1024 * 1024
KEPT: Final = 5
_RETRY_SECONDS: Final = 30.0


class LogFile:
    """Appends lines to one file. At `size` bytes it becomes `.1`, and so on; `kept` files in all."""

    def __init__(self, path: Path, *, size: int = SIZE, kept: int = KEPT) -> None:
        self.path = path
        self._size = size
        self._kept = kept
        self._descriptor = -1
        self._identity = (0, 0)
        self._written = 0
        self._next_try = 0.0

    def write(self, text: str) -> None:
        """Append `text` and a line end. Raises OSError; for a while after one it is raised again at no cost."""
        if time.monotonic() < self._next_try:
            raise OSError("the log file failed a moment ago")
        data = text.encode("utf-8", "backslashreplace") + b"\n"
        try:
            self._make_ready(len(data))
            while data:
                count = os.write(self._descriptor, data)
                self._written += count
                data = data[count:]
        except OSError:
            self._next_try = time.monotonic() + _RETRY_SECONDS
            self.close()
            raise

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _make_ready(self, coming: int) -> None:
        # Another process of ours may have rotated the file, or a person may have removed it.
        if self._descriptor >= 0 and not self._still_there():
            self.close()
        if self._descriptor < 0:
            self._open()
        if self._written and self._written + coming > self._size:
            self.close()
            self._rotate()
            self._open()

    def _still_there(self) -> bool:
        try:
            found = self.path.lstat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        self._descriptor = os.open(self.path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)
        found = os.fstat(self._descriptor)
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise OSError(f"{self.path.name} is not a regular file")
        if os.name == "posix" and found.st_mode & 0o077:
            os.fchmod(self._descriptor, 0o600)
        self._identity = (found.st_dev, found.st_ino)
        self._written = found.st_size

    def _rotate(self) -> None:
        """Shift every file by one; where the system refuses (Windows, opened elsewhere), the file just grows."""
        try:
            for number in range(self._kept - 1, 0, -1):
                older = self.path if number == 1 else self._numbered(number - 1)
                if older.exists():
                    older.replace(self._numbered(number))
        except PermissionError:
            return

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
