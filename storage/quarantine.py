"""Bad files are moved aside, never deleted: a person, or a better program, may still read them."""

import errno
import os
import stat
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from models.problem import Category, Problem, StoreError
from storage.atomic_file import fsync_folder

COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database. One without the other is a different database."""


def utc_stamp() -> str:
    """Return now as file names carry it: 20261122T101500Z."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def put_away(path: Path, folder: Path, *, leave: bool = False) -> Path:
    """Move `path`, and a database's companions with it, to `folder` as STAMP-NAME; return where it is now.

    With `leave` the file keeps its old name as well (its companions do not), so that another can be renamed over it
    and there is never a moment without one. Raises StoreError where that fails; then everything is where it was.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        target = _free_name(path.name, folder)
        # Companions first: a journal that stayed behind would be played into the next database of this name.
        pairs = [(_beside(path, end), _beside(target, end)) for end in COMPANIONS if path.name.endswith(".db")]
        present = [pair for pair in pairs if os.path.lexists(pair[0])]
        _move_all(present)
        try:
            # A journal may be all that is left of a database.
            if os.path.lexists(path) or not present:
                _copy_or_move(path, target, leave=leave)
        except OSError:
            _move_all([(new, old) for old, new in present])
            raise
        _make_private(target)
        fsync_folder(folder)
        fsync_folder(path.parent)
    except OSError as error:
        raise StoreError(
            Problem(
                Category.BAD_FILE,
                f"{path.name} could not be moved to the quarantine folder: {error.strerror or 'no reason was given'}.",
                f"Move {path} away by hand.",
                errno.errorcode.get(error.errno or 0, ""),
            )
        ) from error
    return target


def _copy_or_move(path: Path, target: Path, *, leave: bool) -> None:
    if not leave:
        path.rename(target)
        return
    try:
        os.link(path, target, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        import shutil

        shutil.copyfile(path, target, follow_symlinks=False)


def _move_all(pairs: list[tuple[Path, Path]]) -> None:
    done: list[tuple[Path, Path]] = []
    try:
        for old, new in pairs:
            old.rename(new)
            done.append((old, new))
    except OSError:
        for old, new in done:
            with suppress(OSError):
                new.rename(old)
        raise


def _free_name(name: str, folder: Path) -> Path:
    stamp = utc_stamp()
    target = folder / f"{stamp}-{name}"
    count = 1
    while any(os.path.lexists(_beside(target, end)) for end in ("", *COMPANIONS)):
        count += 1
        target = folder / f"{stamp}.{count}-{name}"
    return target


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _make_private(target: Path) -> None:
    for end in ("", *COMPANIONS):
        path = _beside(target, end)
        with suppress(OSError):
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode):
                path.chmod(0o600)
            elif stat.S_ISDIR(mode):
                path.chmod(0o700)
