"""Where the program keeps everything: which folder it is, whether it can be written, and who has it now."""

import errno
import os
import stat
from pathlib import Path
from typing import NamedTuple

from models.problem import Category, Problem, StoreError
from storage.atomic_file import WORKSHOPS
from storage.folder_lock import FolderLock
from storage.location import APPLICATION, VARIABLE, locate

__all__ = ["APPLICATION", "SUBFOLDERS", "VARIABLE", "DataFolder", "FolderLock", "locate", "prepare"]

SUBFOLDERS = ("connections", "logs", "backups", "quarantine")

_OURS = {
    *SUBFOLDERS,
    *("cts.db", "cts.db-journal", "cts.db-wal", "cts.db-shm", "connections.json", ".lock", ".gitkeep"),
    *("settings.json", "settings.json.bak", "vault.json", "vault.json.bak", "vault.key"),
    *("device.json", "device.json.bak", *WORKSHOPS),
}
_PRIVATE = ("cts.db", "settings.json", "vault.json", "vault.json.bak", "vault.key", "connections.json")
_FULL = {errno.ENOSPC, errno.EDQUOT}


class DataFolder(NamedTuple):
    """The folder and the names in it. `temporary`: it will be lost, `reason` says why. `problem` is what to tell.

    `warnings` are sentences about files that others may read or that are not what they seem.
    """

    root: Path
    temporary: bool = False
    reason: str = ""
    writable: bool = True
    problem: Problem | None = None
    warnings: tuple[str, ...] = ()

    @property
    def database(self) -> Path:
        return self.root / "cts.db"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def connections(self) -> Path:
        return self.root / "connections"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def vault(self) -> Path:
        return self.root / "vault.json"

    @property
    def vault_key(self) -> Path:
        return self.root / "vault.key"

    @property
    def lock(self) -> Path:
        return self.root / ".lock"


def prepare(path: Path) -> DataFolder:
    """Make the folder and its subfolders, private to the user, and find out by trying whether it can be written.

    Where it cannot: a folder that holds cts.db is kept and is read-only; otherwise a temporary folder takes its place.
    Raises StoreError only where no folder on this machine can be written.
    """
    if os.path.lexists(path) and not path.is_dir():
        what = "a file, not a folder" if path.is_file() else "not a folder"
        return _temporary(path, f"{path} is {what}.", Category.CANT_OPEN)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _try_to_write(path)
    except (OSError, ValueError) as error:
        return _not_writable(path, error)
    warnings = [*_make_private(path), *_make_subfolders(path), *_guard(path)]
    return DataFolder(path, warnings=tuple(warnings))


def _try_to_write(path: Path) -> None:
    """Create a file and remove it: modes say nothing to root, and nothing about read-only mounts."""
    probe = path / f".{APPLICATION}.{os.urandom(8).hex()}.tmp"
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        # A full disk is another problem: what is in the folder is still the truth, and space comes back.
        if error.errno not in _FULL:
            raise
        return
    probe.unlink()


def _not_writable(path: Path, error: OSError | ValueError) -> DataFolder:
    why = _why(error)
    if not os.path.lexists(path / "cts.db"):
        return _temporary(path, f"{path} cannot be written: {why}.", Category.TEMPORARY)
    problem = Problem(
        Category.NOT_WRITABLE,
        f"{path} cannot be written: {why}. Its connections are shown, and nothing can be changed.",
        "Make the folder writable for this user, or start with --data-dir and another folder.",
        _code(error),
    )
    return DataFolder(path, writable=False, problem=problem)


def _temporary(wanted: Path, reason: str, category: Category) -> DataFolder:
    root = _temporary_folder(wanted)
    problem = Problem(
        category,
        f"{reason} This data is temporary: it is in {root} and will be lost.",
        f"Name a folder that can be written with --data-dir or {VARIABLE}.",
    )
    warnings = _make_subfolders(root)
    return DataFolder(root, temporary=True, reason=reason, problem=problem, warnings=tuple(warnings))


def _temporary_folder(wanted: Path) -> Path:
    """Return this user's folder for `wanted`: the same at every start, unless it could be somebody else's."""
    import tempfile
    import zlib

    name = f"{APPLICATION}-{_user()}-{zlib.crc32(os.fsencode(wanted)):08x}"
    try:
        stable = Path(tempfile.gettempdir()) / name
        if _is_private_folder(stable):
            return stable
        return Path(tempfile.mkdtemp(prefix=name + "-"))
    except OSError as error:
        raise StoreError(
            Problem(
                Category.NOT_WRITABLE,
                f"Neither {wanted} nor a temporary folder can be written: {_why(error)}.",
                f"Name a folder that can be written with --data-dir or {VARIABLE}.",
                _code(error),
            )
        ) from error


def _is_private_folder(path: Path) -> bool:
    """Make it, or accept it if it is a real folder, ours, closed to others and writable: /tmp belongs to everybody."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError:
        return False
    try:
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode) or not _owned(status) or _loose(status):
            return False
        _try_to_write(path)
    except OSError:
        return False
    return True


def _make_private(path: Path) -> list[str]:
    """Close the folder to others if it is ours: owned by this user and holding nothing that is not ours.

    A folder that somebody named may be a home or a shared one, and shutting others out of that is not for us to do.
    """
    status = path.stat()
    if not _owned(status) or not _loose(status):
        return []
    strangers = any(entry.name not in _OURS and entry.suffix != ".tmp" for entry in path.iterdir())
    if strangers or status.st_mode & stat.S_ISVTX:
        return [f"{path} is open to other users and was left so, because it holds files that are not ours."]
    return _close_to_others(path, 0o700)


def _make_subfolders(root: Path) -> list[str]:
    warnings: list[str] = []
    for name in SUBFOLDERS:
        folder = root / name
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            status = os.lstat(folder)
        except FileExistsError:
            warnings.append(f"{folder} is not a folder; move it away.")
            continue
        except OSError as error:
            warnings.append(f"{folder} cannot be made: {_why(error)}.")
            continue
        if stat.S_ISLNK(status.st_mode):
            warnings.append(f"{folder} is a link to another place.")
        elif _owned(status) and _loose(status):
            warnings += _close_to_others(folder, 0o700)
    return warnings


def _guard(root: Path) -> list[str]:
    """Make our files private and point out those that somebody else can change."""
    warnings: list[str] = []
    for name in _PRIVATE:
        file = root / name
        try:
            status = os.lstat(file)
        except OSError:
            continue
        if stat.S_ISLNK(status.st_mode):
            warnings.append(f"{file} is a link to another place.")
        if not stat.S_ISREG(status.st_mode):
            continue
        if not _owned(status):
            warnings.append(f"{file} belongs to another user (number {status.st_uid}).")
        elif _loose(status):
            was = stat.S_IMODE(status.st_mode)
            warnings += _close_to_others(file, 0o600) or [f"{file} was open to other users (mode {was:04o}); not now."]
        if status.st_nlink > 1 and not _is_backup(file, status):
            warnings.append(f"{file} has a second name somewhere (a hard link).")
    return warnings


def _is_backup(file: Path, status: os.stat_result) -> bool:
    """A writer that is killed between its two renames leaves FILE and FILE.bak as two names of one file."""
    try:
        other = os.lstat(file.with_name(file.name + ".bak"))
    except OSError:
        return False
    return other.st_ino == status.st_ino and status.st_nlink == 2


def _close_to_others(path: Path, mode: int) -> list[str]:
    try:
        path.chmod(mode)
    except OSError as error:
        return [f"{path} is open to other users and cannot be closed to them: {_why(error)}."]
    return []


def _owned(status: os.stat_result) -> bool:
    return os.name == "nt" or status.st_uid == os.geteuid()


def _loose(status: os.stat_result) -> bool:
    return os.name != "nt" and bool(stat.S_IMODE(status.st_mode) & 0o077)


def _user() -> str:
    return os.environ.get("USERNAME", "user") if os.name == "nt" else str(os.geteuid())


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return "its name is not one that a folder can have"


def _code(error: OSError | ValueError) -> str:
    return errno.errorcode.get(getattr(error, "errno", None) or 0, type(error).__name__)
