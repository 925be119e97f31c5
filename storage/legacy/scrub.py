"""Remove the secrets in clear that a take-over left: from the kept tables, from every backup, from the JSON files.

Each file is cleaned on a copy and replaced in one step, so that a kill leaves files that are old or clean, and another
run finishes. Success is said only after every file of the data folder was searched for every secret that was there.
"""

import hashlib
import itertools
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from models.connection import CREDENTIALS
from models.problem import Category, CtsError, Problem, StoreError, VaultError
from models.secret import SealedSecret, Secret
from models.secret_names import is_secret_name
from models.status import Scrubbed
from storage.atomic_file import backup_of, read_capped, write_atomic
from storage.data_folder import DataFolder
from storage.database import Database
from storage.diagnosis import diagnose
from storage.json_file import dump_json, load_json
from storage.json_store.names import is_of_cts31, is_record_name
from storage.legacy import reports
from storage.legacy.cleaning import clean, harvest
from storage.legacy.json_sources import FILE_LIMIT, candidates, records_in
from storage.legacy.secret_words import Finder, is_sealed, is_searchable, secrets_within, written_forms
from storage.legacy.shapes import CONNECTIONS
from storage.legacy.workbench import Hook, no_hook, only_ours, put_back, sweep_copies, working_copy

OpenSecret = Callable[[str, str, SealedSecret], Secret]
"""What Vault.open_secret is."""

_EXPECTED: Final = "scrubbed: "
_LOG_LIMIT: Final = 64 * 1024 * 1024
_SETTINGS: Final = "settings.json"
_MAGIC: Final = b"SQLite format 3\0"
_PIECE: Final = 1 << 17
_HEAD: Final = 8
_FEW: Final = 200
"""Up to so many secrets, looking for one after the other is faster than looking at every byte once."""
# What is left of a damaged JSON file: a key named like a secret, and the text after it, closed or cut off.
_FIELD = re.compile(
    r'("[^"\\]{0,40}(?:key|secret|pass|token|credential|mnemonic)[^"\\]{0,40}"\s*:\s*")((?:[^"\\]|\\.)*)("|$)',
    re.IGNORECASE,
)


def scrub(
    database: Database, folder: DataFolder, *, open_secret: OpenSecret | None = None, hook: Hook = no_hook
) -> Scrubbed:
    """Clean the data folder and prove it. With `open_secret` the stored credentials are looked for in clear, too.

    Raises StoreError; what was cleaned until then stays clean, what was not is as it was.
    """
    try:
        # No other thread may write meanwhile: reading a database's bytes drops this process's locks on it.
        with database.hold():
            return _scrub(database, folder, open_secret, hook)
    except CtsError:
        raise
    except (sqlite3.Error, OSError, UnicodeError) as error:
        problem = diagnose(error, where=str(folder.root))
        raise StoreError(problem._replace(text=f"The secrets in clear are not all removed: {problem.text}")) from error


def _scrub(database: Database, folder: DataFolder, open_secret: OpenSecret | None, hook: Hook) -> Scrubbed:
    if database.read_only:
        raise StoreError(_read_only(folder.root))
    for place in (folder.root, folder.backups, folder.connections, folder.quarantine):
        sweep_copies(place)
    databases = [path for path in _files(folder.root) if _is_database(path)]
    texts = _json_files(folder.root)
    secrets = _stored(database, open_secret) if open_secret else set()
    for path in databases:
        secrets |= _harvest(path)
    for path in texts:
        secrets |= _harvest_text(path)
    hook("harvested")
    finder = Finder(secrets)
    cleaned: list[str] = []
    cells = 0
    for path in databases:
        count = _clean_database(path, finder, secrets, hook)
        cells += count or 0
        if count is not None:
            cleaned.append(_shown(path, folder.root))
        hook(f"cleaned {path.name}")
    # Twice, because the mirror may move a file of CTS v3.1 out of its way meanwhile.
    for path in itertools.chain(texts, _again(folder.root)):
        if _is_readable(path) and _clean_text(path, finder, partial(_expect, database, folder.root, hook)):
            cleaned.append(_shown(path, folder.root))
        hook(f"cleaned {path.name}")
    cleaned += _clean_logs(folder, finder, secrets)
    _prove(folder.root, secrets)
    hook("proved")
    _note(database, folder.root)
    return Scrubbed(tuple(cleaned), cells, len(secrets))


def _again(root: Path) -> Iterator[Path]:
    """Look for the files only when the first ones are done."""
    yield from _json_files(root)


def _stored(database: Database, open_secret: OpenSecret) -> set[str]:
    """Return the credentials of what came over: an earlier run may have emptied the cells that held them in clear."""
    found = set()
    names = ", ".join(CREDENTIALS)
    sql = f"SELECT id, {names} FROM {CONNECTIONS} WHERE id IN (SELECT connection_id FROM taken_over_ids)"  # noqa: S608
    with database.read() as connection:
        rows = connection.execute(sql).fetchall()
    for connection_id, *tokens in rows:
        for field, token in zip(CREDENTIALS, tokens, strict=True):
            # Locked or damaged ones cannot be opened, and then they cannot be looked for either.
            with suppress(VaultError):
                if token:
                    found.add(open_secret(connection_id, field, SealedSecret(token)).reveal())
    return found


def _harvest(path: Path) -> set[str]:
    try:
        with only_ours(path) as connection:
            return harvest(connection)
    except sqlite3.DatabaseError as error:
        if _is_damage(error):
            return set()
        raise


def _clean_database(path: Path, finder: Finder, secrets: set[str], hook: Hook) -> int | None:
    """Clean one database; None where there was nothing to do. A damaged one is left: the proof names it if it must."""
    # Before the lock is taken: closing a file drops every lock that this process has on it.
    dirty = any(_found(path, secrets))
    try:
        with only_ours(path) as original, working_copy(original, path) as copy:
            cells = clean(copy, finder)
            if not cells and not dirty:
                return None
            hook(f"ready {path.name}")
            put_back(copy, original, hook)
            original.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return cells
    except sqlite3.DatabaseError as error:
        if _is_damage(error):
            return None
        raise


def _harvest_text(path: Path) -> set[str]:
    text, value = _read_text(path)
    found = set(secrets_within(value)) if value is not None else {match[2] for match in _FIELD.finditer(text)}
    return {secret.strip() for secret in found if secret.strip()}


def _clean_text(path: Path, finder: Finder, expect: Callable[[Path, bytes], None]) -> bool:
    text, value = _read_text(path)
    if value is not None:
        after = _emptied(value, finder)
        if after == value:
            return False
        content = dump_json(after)
    else:
        after_text = finder.clean(_FIELD.sub(r"\1\3", text))
        if after_text == text:
            return False
        content = after_text.encode("utf-8", "surrogateescape")
    expect(path, content)
    write_atomic(path, content, backup=False)
    return True


def _expect(database: Database, root: Path, hook: Hook, path: Path, content: bytes) -> None:
    """Write down what a file will hold, before it does: killed then, the next start must not take it for a new one."""
    name = _shown(path, root)
    with database.write() as connection:
        for kept in reports.read_kept(connection):
            if name in kept.files:
                digest = hashlib.sha256(content).hexdigest()
                reports.replace(connection, kept._replace(files={**kept.files, _EXPECTED + name: digest}))
    hook(f"expected {path.name}")


def _clean_logs(folder: DataFolder, finder: Finder, secrets: set[str]) -> list[str]:
    """Clean the logs of the old program, which are plain text; anything else that holds a secret is only named."""
    cleaned = []
    for path in _files(folder.logs):
        if path.stat().st_size > _LOG_LIMIT or _is_database(path) or not any(_found(path, secrets)):
            continue
        content = read_capped(path, _LOG_LIMIT)
        if b"\0" in content:
            continue
        text = finder.clean(content.decode("utf-8", "surrogateescape"))
        write_atomic(path, text.encode("utf-8", "surrogateescape"), backup=False)
        cleaned.append(_shown(path, folder.root))
    return cleaned


def _emptied(value: Any, finder: Finder, *, named: bool = False) -> Any:
    """Return a JSON value with its secrets gone; the credentials of a record stay as empty fields."""
    if isinstance(value, list):
        return [_emptied(item, finder, named=named) for item in value]
    if isinstance(value, dict):
        return {key: _emptied(item, finder, named=named or is_secret_name(key)) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    return "" if named and not is_sealed(value) else _emptied_text(value, finder)


def _emptied_text(text: str, finder: Finder) -> str:
    """Return a text without secrets; JSON inside JSON is what CTS keeps its settings as."""
    if text.lstrip().startswith(("{", "[")):
        try:
            value = load_json(text.encode("utf-8", "surrogatepass"))
        except StoreError:
            return finder.clean(_FIELD.sub(r"\1\3", text))
        after = _emptied(value, finder)
        if after != value:
            return dump_json(after).decode().strip()
    return finder.clean(text)


def _read_text(path: Path) -> tuple[str, Any]:
    """Return a file's text, and its value where it is JSON."""
    content = read_capped(path, FILE_LIMIT)
    text = content.decode("utf-8", "surrogateescape")
    try:
        return text, load_json(content, name=path.name)
    except StoreError:
        return text, None


def _json_files(root: Path) -> list[Path]:
    """Return the JSON files of CTS v3.1, with their `.bak`, damaged ones too; files of ours are left alone."""
    found = []
    for path, _ in candidates(root, fresh=True):
        for each in (path, backup_of(path)):
            if _is_readable(each):
                _, value = _read_text(each)
                # What does not read and is named as our records are is one of ours, unless it shows keys of theirs.
                theirs = value is None and (not is_record_name(path.name) or is_of_cts31(each))
                if theirs or records_in(value, each.stem) is not None:
                    found.append(each)
    # CTS v3.1 has its settings where we have ours, and what we do not know of them is kept.
    settings = root / _SETTINGS
    return found + [each for each in (settings, backup_of(settings)) if _is_readable(each)]


def _is_readable(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= FILE_LIMIT


def _prove(root: Path, secrets: set[str]) -> None:
    places = [_shown(path, root) for path in _files(root) if any(_found(path, secrets))]
    if places:
        raise StoreError(_still_there(places))


def _found(path: Path, secrets: set[str]) -> Iterator[bytes]:
    """Yield the secrets whose bytes a file holds, as UTF-8, as UTF-16 of either order, or as JSON would write them."""
    needles = [needle for secret in secrets if is_searchable(secret) for needle in _needles(secret)]
    if not needles:
        return
    longest = max(map(len, needles))
    by_head: dict[bytes, list[bytes]] = {}
    for needle in needles:
        by_head.setdefault(needle[:_HEAD], []).append(needle)
    with open(path, "rb") as file:
        tail = b""
        while piece := file.read(max(_PIECE, longest)):
            piece = tail + piece
            yield from (needle for needle in _likely(piece, needles, by_head) if needle in piece)
            tail = piece[-longest:]


def _likely(piece: bytes, needles: list[bytes], by_head: dict[bytes, list[bytes]]) -> list[bytes]:
    """Return the needles that a piece may hold: looking for each of thousands by itself would take hours."""
    if len(needles) <= _FEW:
        return needles
    heads = by_head.keys() & {piece[index : index + _HEAD] for index in range(len(piece) - _HEAD + 1)}
    return [needle for head in heads for needle in by_head[head]]


def _needles(secret: str) -> set[bytes]:
    forms = written_forms(secret.strip())
    # One byte less in UTF-16, so that the same needle is found in both byte orders.
    wide = {form.encode("utf-16-le", "surrogatepass")[:-1] for form in forms}
    return wide | {form.encode("utf-8", "surrogateescape") for form in forms}


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink() and path.name != ".lock")


def _is_database(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _note(database: Database, root: Path) -> None:
    """Write down that nothing is left, and what the cleaned files hold now, so that they are not read as new."""
    with database.write() as connection:
        for kept in reports.read_kept(connection):
            files = {
                name: hashlib.sha256((root / name).read_bytes()).hexdigest() if (root / name).is_file() else digest
                for name, digest in kept.files.items()
                if not name.startswith(_EXPECTED)
            }
            reports.replace(connection, kept._replace(report=kept.report._replace(plaintext=()), files=files))


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _read_only(root: Path) -> Problem:
    return Problem(
        Category.NOT_WRITABLE,
        f"Nothing can be written in {root}, so the secrets in clear stay there.",
        "Make the folder writable, or close the program that has it open, and try again.",
    )


def _still_there(places: list[str]) -> Problem:
    shown = ", ".join(places[:5]) + (f" and {len(places) - 5} more" if len(places) > 5 else "")
    return Problem(
        Category.LEGACY,
        f"Secrets in clear are still in: {shown}. The program cannot clean these files by itself.",
        "Look at each of them, delete it if you do not need it, and scrub again.",
    )
