"""Files that are old or new, never mixed: how every small file of the data folder is written and read.

A write that returns is on the disk. A write that raises is not to be believed, not even after a second fsync of the
same file: the kernel reports a lost page once and then forgets it. The caller writes a new one.
"""

import errno
import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from models.problem import Category, Problem, StoreError

RECORD_LIMIT = 1024 * 1024
"""No file of ours comes near this; a bigger one is not ours."""

_ALWAYS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _ALWAYS
# O_NONBLOCK: opening a pipe that nobody writes to would otherwise wait for ever.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _ALWAYS
_READ_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
WORKSHOPS = frozenset({".moving", ".restoring"})
"""Folders where whole databases are made before they take their place."""
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")
_BACKUP = ".bak"
_OPEN_AT_ONCE = 64
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class BadFileError(StoreError):
    """A file is there and is not what it should be. `why` ends the sentence "FILE ..." and quotes nothing of it."""

    def __init__(self, name: str, why: str, solution: str = "Put a good copy in its place, or move it away.") -> None:
        self.why = why
        super().__init__(Problem(Category.BAD_FILE, f"{name} {why}.", solution))


class FileCalls:
    """The calls that a write makes. They are gathered here so that a test can make the n-th of them fail.

    Paths are text here and below: making a Path of each would take as long as the calls themselves.
    """

    def create(self, path: str, mode: int) -> int:
        return os.open(path, _CREATE, mode)

    def write(self, descriptor: int, content: bytes | memoryview) -> int:
        return os.write(descriptor, content)

    def fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def link(self, source: str, target: str) -> None:
        os.link(source, target, follow_symlinks=False)

    def replace(self, source: str, target: str) -> None:
        os.replace(source, target)  # noqa: PTH105 - text

    def fsync_folder(self, folder: str) -> None:
        fsync_folder(folder)


SYSTEM = FileCalls()


def write_atomic(
    path: Path, content: bytes, *, mode: int = 0o600, backup: bool = True, calls: FileCalls = SYSTEM
) -> None:
    """Replace `path` by `content`, durably; keep what was there as `NAME.bak` where `backup` is set.

    Raises OSError: then `path` is as it was, or, if only the last step failed, it may already be the new one.
    """
    target = os.fspath(path)
    temporary = _temporary(target)
    try:
        _write_new(temporary, content, mode, calls)
        if backup:
            _keep_previous(target, calls)
        calls.replace(temporary, target)
    except BaseException:  # an interruption, too, leaves no temporary; it goes on
        _unlink(temporary)
        raise
    calls.fsync_folder(_folder_of(target))


def write_group(files: Sequence[tuple[str, bytes]], *, calls: FileCalls = SYSTEM) -> None:
    """Replace files of one folder, durably, and keep what each was as `NAME.bak`: all of them, or none.

    Raises OSError: then each is as it was, unless the disk refuses even the way back. A kill in the middle leaves some
    old and some new, never a mixed one.
    """
    temporaries: list[str] = []
    replaced: list[tuple[str, bool]] = []
    try:
        # What can fail for want of space comes first, while nothing is changed.
        for start in range(0, len(files), _OPEN_AT_ONCE):
            some = files[start : start + _OPEN_AT_ONCE]
            temporaries += [_temporary(path) for path, _ in some]
            _write_some([content for _, content in some], temporaries[start:], calls)
        for (path, _), temporary in zip(files, temporaries, strict=True):
            there = _keep_previous(path, calls)
            calls.replace(temporary, path)
            replaced.append((path, there))
        if files:
            calls.fsync_folder(_folder_of(files[0][0]))
    except BaseException:  # an interruption, too, leaves all as it was; it goes on
        for path, was_there in reversed(replaced):
            _put_back(path, was_there=was_there)
        for temporary in temporaries:
            _unlink(temporary)
        raise


def temporary_beside(path: Path) -> Path:
    """Return a new name beside `path`, of the kind that `sweep` removes."""
    return Path(_temporary(os.fspath(path)))


def read_capped(path: Path, limit: int = RECORD_LIMIT) -> bytes:
    """Return the bytes of an ordinary file of at most `limit` bytes; a link is not followed, a pipe not waited for.

    Raises BadFileError for what is not such a file, OSError for everything else (FileNotFoundError: there is none).
    """
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        kind = _kind_that_does_not_open(path, error)
        if kind is None:
            raise
        raise BadFileError(path.name, kind) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise BadFileError(path.name, _describe(status.st_mode))
        if status.st_size > limit:
            raise BadFileError(path.name, _too_big(limit))
        content = _read_all(descriptor, limit + 1)
    finally:
        os.close(descriptor)
    # A file may grow between the look at its size and the reading of it.
    if len(content) > limit:
        raise BadFileError(path.name, _too_big(limit))
    return content


def sweep(folder: Path) -> int:
    """Remove the temporaries that killed writers left in `folder`; return how many. Hold the folder's lock for it."""
    removed = 0
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return 0
    for entry in entries:
        if entry.name in WORKSHOPS and entry.is_dir(follow_symlinks=False):
            import shutil

            shutil.rmtree(entry.path, ignore_errors=True)
            removed += 1
        elif _TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            try:
                os.unlink(entry.path)  # noqa: PTH108 - scandir gives text
            except OSError:
                continue
            removed += 1
    return removed


def fsync_folder(folder: str | Path) -> None:
    """Make the names in `folder` durable. Windows has no such call, some network drives answer EINVAL."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, _READ_FOLDER)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def backup_of(path: Path) -> Path:
    """Return where `write_atomic` keeps what `path` was before."""
    return path.with_name(path.name + _BACKUP)


def _temporary(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{os.urandom(8).hex()}.tmp")  # noqa: PTH118 - text


def _folder_of(path: str) -> str:
    return os.path.dirname(path) or os.curdir  # noqa: PTH120 - text


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - text


def _write_new(path: str, content: bytes, mode: int, calls: FileCalls) -> None:
    descriptor = calls.create(path, mode)
    try:
        _write_all(descriptor, content, calls)
        calls.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes, calls: FileCalls) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[calls.write(descriptor, rest) :]


def _write_some(contents: Sequence[bytes], paths: Sequence[str], calls: FileCalls) -> None:
    """Write all, then sync all: the disk's journal takes them together, in a third of the time of one after another."""
    descriptors: list[int] = []
    try:
        for path, content in zip(paths, contents, strict=True):
            descriptors.append(calls.create(path, 0o600))
            _write_all(descriptors[-1], content, calls)
        for descriptor in descriptors:
            _begin_writing_out(descriptor)
        for descriptor in descriptors:
            calls.fsync(descriptor)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _begin_writing_out(descriptor: int) -> None:
    """Let the disk begin with a file that is synced in a moment: it has many at once then, and needs half the time.

    To say that its pages are not needed any more is what makes Linux begin (mm/fadvise.c, POSIX_FADV_DONTNEED).
    """
    if hasattr(os, "posix_fadvise"):
        # Whether it is taken or not, the sync that follows decides.
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _keep_previous(path: str, calls: FileCalls) -> bool:
    """Make what `path` is its .bak as well; False where there is nothing to keep."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(status.st_mode):
        return False
    second_name = _temporary(path)
    # A rename of one name of a file over another name of the same file does nothing and leaves both.
    left = True
    try:
        try:
            calls.link(path, second_name)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            _write_new(second_name, Path(path).read_bytes(), 0o600, calls)
        calls.replace(second_name, path + _BACKUP)
        left = status.st_nlink > 1
    finally:
        if left:
            _unlink(second_name)
    return True


def _put_back(path: str, *, was_there: bool) -> None:
    # What cannot be put back stays new: the caller looks at the disk again.
    with suppress(OSError):
        if was_there:
            os.replace(path + _BACKUP, path)  # noqa: PTH105 - text
        else:
            os.unlink(path)  # noqa: PTH108 - text


def _read_all(descriptor: int, limit: int) -> bytes:
    pieces = []
    while limit > 0 and (piece := os.read(descriptor, min(limit, RECORD_LIMIT))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


def _kind_that_does_not_open(path: Path, error: OSError) -> str | None:
    """Say what `path` is where opening it failed because of that: links (ELOOP), sockets (ENXIO), Windows folders."""
    if isinstance(error, FileNotFoundError):
        return None
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return None
    return None if stat.S_ISREG(mode) else _describe(mode)


def _describe(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "is a link, and links are not followed"
    if stat.S_ISDIR(mode):
        return "is a folder, not a file"
    return "is not an ordinary file"


def _too_big(limit: int) -> str:
    return f"is larger than {limit:,} bytes"
