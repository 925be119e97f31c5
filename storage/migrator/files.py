"""Find and read the migration files: numbered SQL, `NNN_name.sql`, or one file per dialect where they really differ."""

import codecs
import hashlib
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from models.problem import Category, MigrationError, Problem

if TYPE_CHECKING:
    from storage.migrator.statements import Statement

_NAME = re.compile(r"(?P<number>[0-9]{3,6})_(?P<name>[A-Za-z0-9_]+)(?:\.(?P<dialect>sqlite|postgresql))?\.sql")
_PUT_BACK = "Put back the files that came with the program."


class Migration:
    """One migration as it is on disk. `statements` are parsed when first asked for."""

    def __init__(self, number: int, name: str, path: Path, sql: str, checksum: str, dialect: str) -> None:
        self.number = number
        self.name = name
        self.path = path
        self.sql = sql
        self.checksum = checksum
        self.dialect = dialect

    @cached_property
    def statements(self) -> "tuple[Statement, ...]":
        from storage.migrator.statements import SplitError, split

        try:
            statements = split(self.sql, self.dialect)
        except SplitError as error:
            raise _unusable(f"{self.path.name}, line {error.line}, has {error}.", str(self.path)) from None
        if not statements:
            raise _unusable(f"{self.path.name} holds no SQL.", str(self.path))
        return statements


class _Named(NamedTuple):
    number: int
    name: str
    dialect: str | None
    path: str


def find_migrations(folder: Path, dialect: str) -> list[Migration]:
    """Return the migrations for `dialect` by number, every one read and parsed; MigrationError names what is wrong."""
    migrations = read_migrations(folder, dialect)
    for migration in migrations:
        _ = migration.statements
    return migrations


def read_migrations(folder: Path, dialect: str) -> list[Migration]:
    """Return the migrations by number without parsing their statements: enough to know what is applied."""
    return [_read(named, dialect) for named in _names(folder, dialect)]


def checksums(folder: Path, dialect: str) -> dict[int, tuple[str, str]]:
    """Return name and checksum by number: what a ledger with nothing left to do says too."""
    return {named.number: (named.name, _checksum(_content(named.path))) for named in _names(folder, dialect)}


def _names(folder: Path, dialect: str) -> list[_Named]:
    """Return the files that count for `dialect`, by number: one for both dialects, or one of a pair."""
    by_number: dict[int, list[_Named]] = {}
    for named in _parse_names(folder):
        by_number.setdefault(named.number, []).append(named)
    chosen = []
    for _, files in sorted(by_number.items()):
        if len(files) > 1:
            _refuse_unless_pair(files)
        chosen += [named for named in files if named.dialect in {None, dialect}]
    return chosen


def _refuse_unless_pair(files: list[_Named]) -> None:
    dialects = {named.dialect for named in files}
    if len({named.name for named in files}) == 1 and len(dialects) == len(files) and None not in dialects:
        return
    names = " and ".join(sorted(os.path.basename(named.path) for named in files))  # noqa: PTH119 - it is text here
    raise _unusable(
        f"Several migration files have the number {files[0].number:03}: {names}.",
        files[0].path,
        "Remove the one that does not belong to the program; nothing was applied.",
    )


def _parse_names(folder: Path) -> Iterator[_Named]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise _unusable(f"The folder of migrations cannot be read: {error.strerror}.", str(folder)) from error
    for entry in entries:
        if not entry.name.endswith(".sql"):
            continue
        match = _NAME.fullmatch(entry.name)
        if match is None:
            raise _unusable(f"The migration file {entry.name!r} is not named NNN_name.sql.", str(folder))
        yield _Named(int(match["number"]), match["name"], match["dialect"], entry.path)


def _read(named: _Named, dialect: str) -> Migration:
    path, content = Path(named.path), _content(named.path)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _unusable(f"{path.name} is not UTF-8 text (byte {error.start}).", named.path) from None
    return Migration(named.number, named.name, path, text, _checksum(content), dialect)


def _content(path: str) -> bytes:
    """Return the file without BOM and with plain newlines: an editor's taste is not a change."""
    try:
        with open(path, "rb", buffering=0) as file:
            content = file.read()
    except OSError as error:
        raise _unusable(f"{Path(path).name} cannot be read: {error.strerror}.", path) from error
    content = content.removeprefix(codecs.BOM_UTF8)
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in content else content


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _unusable(text: str, detail: str, solution: str = _PUT_BACK) -> MigrationError:
    return MigrationError(Problem(Category.MIGRATION, text, solution, detail))
