"""What a disk may hold after a power cut: a layer under real writes that knows what was synced, and what was not.

Real calls go to the real disk. Beside them it keeps what is durable: a file's content since its own fsync, a name since
the fsync of its folder. Everything else may be there or not, each name for itself, and content that was not synced may
be missing, half there or something else.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from storage.atomic_file import FileCalls

Disk = dict[str, bytes]
"""The names of one folder and the content of each."""


class PowerLoss(FileCalls):
    """Calls `look` before every call that writes; `disks()` then gives what a power cut at this moment may leave.

    Begin it with an empty `folder` and let nothing else write there.
    """

    def __init__(self, folder: Path, look: Callable[[], None] = lambda: None) -> None:
        self.look = look
        self.moments = 0
        self._folder = folder
        self._paths: dict[int, Path] = {}
        # By the number of the file: what its own fsync made durable; every file that is not here was never synced.
        self._synced: dict[int, bytes] = {}
        # Each name with what it may stand for: first what its folder's fsync made durable, then what came since.
        self._names: dict[str, list[int | None]] = {}

    def create(self, path: str, mode: int) -> int:
        self._moment()
        descriptor = super().create(path, mode)
        self._paths[descriptor] = Path(path)
        self._point(path, os.fstat(descriptor).st_ino)
        return descriptor

    def write(self, descriptor: int, content: bytes | memoryview) -> int:
        self._moment()
        return super().write(descriptor, content)

    def fsync(self, descriptor: int) -> None:
        self._moment()
        super().fsync(descriptor)
        self._synced[os.fstat(descriptor).st_ino] = self._paths[descriptor].read_bytes()

    def link(self, source: str, target: str) -> None:
        self._moment()
        super().link(source, target)
        self._point(target, Path(target).stat().st_ino)

    def replace(self, source: str, target: str) -> None:
        self._moment()
        number = Path(source).stat().st_ino
        super().replace(source, target)
        self._point(target, number)
        self._point(source, None)

    def fsync_folder(self, folder: str) -> None:
        self._moment()
        super().fsync_folder(folder)
        self._names = {name: last for name, seen in self._names.items() if (last := seen[-1:]) != [None]}

    def disks(self) -> Iterator[Disk]:
        """Give every state of the folder that a power cut may leave now."""
        names = list(self._names)
        for numbers in itertools.product(*self._names.values()):
            standing = {name: number for name, number in zip(names, numbers, strict=True) if number is not None}
            for lost in (b"", b"\0" * 4096, b'{"half'):
                yield {name: self._synced.get(number, lost) for name, number in standing.items()}
                if all(number in self._synced for number in standing.values()):
                    break

    def _point(self, path: str, number: int | None) -> None:
        assert Path(path).parent == self._folder
        seen = self._names.setdefault(Path(path).name, [None])
        if seen[-1] != number:
            seen.append(number)

    def _moment(self) -> None:
        self.moments += 1
        self.look()


def put_on(folder: Path, disk: Disk) -> None:
    """Make `folder` hold what a disk held."""
    for name, content in disk.items():
        path = folder / name
        path.write_bytes(content)
        path.chmod(0o600)
