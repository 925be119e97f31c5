"""Look through `data/connections`: what is in the index and true, what must be read, what is damaged or not ours."""

import contextlib
import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from models.problem import Category, Problem, StoreError
from storage.atomic_file import (
    RECORD_LIMIT,
    SYSTEM,
    BadFileError,
    FileCalls,
    backup_of,
    read_capped,
    sweep,
    write_atomic,
)
from storage.data_folder import DataFolder
from storage.diagnosis import diagnose
from storage.json_store.index import NO_FILE, Signature, Summary, read_index, signature, summary_of
from storage.json_store.names import INDEX_NAME, file_name, is_of_cts31, is_our_index, is_record_name, move_aside
from storage.json_store.record_file import (
    FAMILY,
    Identity,
    NewerFormatError,
    Record,
    dump_record,
    load_record,
    read_record,
)
from storage.list_rows import collector_paused
from storage.quarantine import put_away

_LOOK_LIMIT: Final = 64
_READ: Final = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
# One look at a status for its standing and its signature: this runs for every file of the folder.
_of_status = attrgetter("st_mode", "st_uid", "st_nlink", "st_size", "st_mtime_ns", "st_ctime_ns", "st_ino")
_STANDING: Final = 3
_log = logging.getLogger(__name__)


class Scan(NamedTuple):
    """What is there. `from_index` of the `summaries` were not read again; `index_is_true`: it needs no writing."""

    summaries: dict[str, Summary]
    identity: Identity
    problems: list[Problem]
    from_index: int
    index_is_true: bool


def scan(folder: DataFolder, *, calls: FileCalls = SYSTEM) -> Scan:
    """Return every record of the folder. Never raises for what is in it; StoreError where it cannot be listed."""
    with collector_paused():
        return _scan(folder, calls)


def _scan(folder: DataFolder, calls: FileCalls) -> Scan:
    problems: list[Problem] = []
    try:
        files = _look(folder, problems)
    except OSError as error:
        raise StoreError(diagnose(error, where=str(folder.connections), path=folder.connections)) from error
    indexed = read_index(folder.connections / INDEX_NAME, files)
    identity, found = indexed or (Identity(), {})
    from_index = len(found)
    identities: Counter[Identity] = Counter()
    prefix = str(folder.connections) + os.sep
    for name in _not_indexed(files, found, folder, problems):
        record, summary = _read(prefix, name, files[name], folder, problems, calls)
        if record is not None and summary is not None:
            found[record.id] = summary
            identities[record.identity] += 1
    if indexed is None and identities:
        identity = identities.most_common(1)[0][0]
    return Scan(found, identity, problems, from_index, indexed is not None and from_index == len(found))


def read_or_recover(path: Path, folder: DataFolder, *, calls: FileCalls = SYSTEM) -> tuple[Record, str, Problem | None]:
    """Return the record at `path`, or after damage the one before it with a Problem that tells so.

    Raises StoreError with what became of a file that is lost, FileNotFoundError where there is none.
    """
    try:
        return *read_record(path), None
    except NewerFormatError:
        raise
    except BadFileError as error:
        return _recover(path, folder, error, calls)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(diagnose(error, where=path.name, path=path)) from error


def _not_indexed(
    files: dict[str, Signature], found: dict[str, Summary], folder: DataFolder, problems: list[Problem]
) -> Iterator[str]:
    """Yield the names of the records that the index does not tell of, and notice copies under other names."""
    if len(found) == len(files):
        # Each entry has a file of its own, so there is none without an entry.
        return
    names = files.keys() - {each + ".json" for each in found} if found else files.keys()
    others = set(map(file_name, found)) if len(names) + len(found) > len(files) else set()
    for name in sorted(names):
        if is_record_name(name):
            if name not in others:
                yield name
        elif _is_stray(folder.connections / name):
            problems.append(_stray(name))


def _read(
    prefix: str, name: str, looks: Signature, folder: DataFolder, problems: list[Problem], calls: FileCalls
) -> tuple[Record | None, Summary | None]:
    # Text, not Path: of 10,000 of them the making alone would take a tenth of the time.
    path = prefix + name
    try:
        content = _read_at_once(path, looks[0])
        record, digest = load_record(content, name)
    except (BadFileError, OSError):
        return _read_damaged(Path(path), folder, problems, calls)
    return record, summary_of(record, digest, looks)


def _read_at_once(path: str, size: int) -> bytes:
    """Return the content of a file of that size; BlockingIOError where it is another by now, or no file at all.

    What was written since the look at it, to the same size, goes with the older look: the index will not believe it.
    """
    if not 0 <= size <= RECORD_LIMIT:
        raise BlockingIOError
    descriptor = os.open(path, _READ)
    try:
        content = os.read(descriptor, size + 1)
    finally:
        os.close(descriptor)
    if len(content) != size:
        raise BlockingIOError
    return content


def _read_damaged(
    path: Path, folder: DataFolder, problems: list[Problem], calls: FileCalls
) -> tuple[Record | None, Summary | None]:
    name = path.name
    try:
        record, digest, problem = read_or_recover(path, folder, calls=calls)
        looks = signature(os.lstat(path))
    except (StoreError, OSError) as error:
        # A file of CTS v3.1 is not ours to judge, and one that just went away is not there.
        if not isinstance(error, _NotOursError | FileNotFoundError):
            problems.append(diagnose(error, where=name))
        return None, None
    if problem is not None:
        problems.append(problem)
    return record, summary_of(record, digest, looks)


class _NotOursError(BadFileError):
    """A file of CTS v3.1, named by a UUID as ours are."""


def _recover(path: Path, folder: DataFolder, error: BadFileError, calls: FileCalls) -> tuple[Record, str, Problem]:
    """Put a damaged file into quarantine and the one before it in its place. A file of CTS v3.1 stays in the folder."""
    previous, theirs = backup_of(path), is_of_cts31(path)
    try:
        found: tuple[Record, str] | None = load_record(read_capped(previous), path.name)
    except (BadFileError, OSError):
        found = None
    if theirs and found is None:
        raise _NotOursError(path.name, "is of CTS v3.1") from error
    if not folder.writable:
        return _unmoved(found, error)
    kept = move_aside(path) if theirs else put_away(path, folder.quarantine)
    if found is None:
        _log.warning("%s; kept as %s.", error.problem.text.rstrip("."), kept)
        raise StoreError(_lost(error, kept)) from error
    with contextlib.suppress(OSError):
        write_atomic(path, dump_record(found[0])[0], backup=False, calls=calls)
    _log.warning("%s; the copy before it is used.", error.problem.text.rstrip("."))
    return *found, _used_previous(error, kept)


def _unmoved(found: tuple[Record, str] | None, error: BadFileError) -> tuple[Record, str, Problem]:
    if found is None:
        raise StoreError(error.problem) from error
    text = f"{error.problem.text} The copy before its last change is shown."
    return *found, error.problem._replace(text=text)


def _look(folder: DataFolder, problems: list[Problem]) -> dict[str, Signature]:
    """Return how each record file looks, make it private, and tell what others could have changed."""
    files: dict[str, Signature] = {}
    left_over = False
    user = os.geteuid() if hasattr(os, "geteuid") else None
    ordinary = (0o100600, user, 1)
    with _entries(folder.connections) as entries:
        for entry in entries:
            name = entry.name
            if not name.endswith(".json") or name == INDEX_NAME:
                left_over = left_over or name.endswith(".tmp")
                continue
            status = entry.stat(follow_symlinks=False)
            looks = _of_status(status)
            if looks[:_STANDING] != ordinary:
                if user is not None:
                    status = _guard(folder, name, status, problems)
                looks = _of_status(status)
                if not stat.S_ISREG(status.st_mode):
                    files[name] = NO_FILE
                    continue
            files[name] = looks[_STANDING:]
    if left_over and folder.writable and sweep(folder.connections):
        # A killed writer's temporary may have been a second name of a record.
        problems.clear()
        return _look(folder, problems)
    return files


@contextlib.contextmanager
def _entries(folder: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
    """List by descriptor where that is possible: looking at 10,000 files is then a third faster."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY) if os.scandir in os.supports_fd else None
    try:
        with os.scandir(folder if descriptor is None else descriptor) as entries:
            yield entries
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _guard(folder: DataFolder, name: str, status: os.stat_result, problems: list[Problem]) -> os.stat_result:
    path = folder.connections / name
    if not stat.S_ISREG(status.st_mode):
        return status
    if status.st_uid != os.geteuid():
        problems.append(_open_to_others(f"{path} belongs to another user (number {status.st_uid})."))
    elif status.st_mode & 0o077:
        was = stat.S_IMODE(status.st_mode)
        with contextlib.suppress(OSError):
            path.chmod(0o600)
            sentence = f"{path} was open to other users (mode {was:04o}); not now."
            if was & 0o022:
                problems.append(_open_to_others(sentence))
            else:
                _log.info("%s", sentence)
    if status.st_nlink > 1 and not _is_backup(path, status):
        problems.append(_open_to_others(f"{path} has a second name somewhere (a hard link)."))
    return os.lstat(path)


def _is_backup(path: Path, status: os.stat_result) -> bool:
    """A writer that is killed between its two renames leaves a record and its .bak as two names of one file."""
    try:
        return os.lstat(backup_of(path)).st_ino == status.st_ino and status.st_nlink == 2
    except OSError:
        return False


def _is_stray(path: Path) -> bool:
    """Tell whether a file with another name begins as a record of ours: a copy that somebody made."""
    if not path.is_file() or path.is_symlink() or is_our_index(path):
        return False
    with contextlib.suppress(OSError), path.open("rb") as file:
        return FAMILY.encode() in file.read(_LOOK_LIMIT)
    return False


def _stray(name: str) -> Problem:
    return Problem(
        Category.BAD_FILE,
        f"connections/{name} holds a record, but is not named as one, and was left out.",
        "Name it by the id in it to use it, or delete it.",
    )


def _open_to_others(text: str) -> Problem:
    return Problem(Category.BAD_FILE, text, "Look through the list: somebody else could have changed that connection.")


def _lost(error: BadFileError, kept: Path) -> Problem:
    return Problem(
        Category.BAD_FILE,
        f"connections/{error.problem.text} There is no good copy beside it; the database fills it in when it is there.",
        f"The damaged file is kept as {kept}; look there if a change is missing.",
    )


def _used_previous(error: BadFileError, kept: Path) -> Problem:
    return Problem(
        Category.BAD_FILE,
        f"connections/{error.problem.text} The copy before its last change is used.",
        f"Look at that connection; the damaged file is kept as {kept}.",
    )
