"""Real faults for tests: a small disk, a child that is nobody, a child with a limit, a child to kill."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rights import mounted

ROOT = Path(__file__).parents[2]
NOBODY = 65534

# Everything is imported before the change of user: the checkout may be closed to nobody.
_BECOME_NOBODY = f"""
import os
import storage.atomic_file, storage.backup, storage.data_folder, storage.diagnosis, storage.settings_file, sqlite3
import tempfile, zlib, shutil
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
    os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
"""


def child(code: str, *arguments: object, as_nobody: bool = False) -> list[str]:
    """Return the command line of a Python child that has the product's modules at hand."""
    prelude = _BECOME_NOBODY if as_nobody else ""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{prelude}\n{textwrap.dedent(code)}"
    return [sys.executable, "-I", "-X", "utf8", "-c", program, *map(str, arguments)]


def run(code: str, *arguments: object, as_nobody: bool = False, largest_file: int | None = None) -> str:
    """Run a child to its end and return what it printed; it must not fail. `largest_file` limits its files (bytes)."""

    def limit() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    result = subprocess.run(
        child(code, *arguments, as_nobody=as_nobody),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=limit,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@contextmanager
def small_disk(folder: Path, size: str, otherwise: str) -> Iterator[Path | None]:
    """Mount a disk of `size` at `folder`; None where this machine does not let us, and then `otherwise` happens."""
    folder.mkdir()
    is_there = mounted(folder, f"size={size},mode=0700", otherwise)
    try:
        yield folder if is_there else None
    finally:
        if is_there:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def own_disk(folder: Path, size: str = "64k") -> Iterator[Path]:
    """Mount a disk of `size` at `folder`, for a test that has nothing else to offer."""
    with small_disk(folder, size, "") as disk:
        assert disk is not None
        yield disk


def fill(folder: Path, leave: int = 0) -> None:
    """Use up the space in `folder`, but for about `leave` bytes."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, file.tell() - leave))


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a folder that nobody can reach and owns; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="cts-test-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield folder
    finally:
        subprocess.run(["chmod", "-R", "u+rwX", str(folder)], check=False, capture_output=True)
        shutil.rmtree(folder)


def give_to_nobody(folder: Path) -> None:
    """Make everything in `folder` belong to nobody, as far as we may."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
