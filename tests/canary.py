"""Canary secrets: random values that a run uses as its secrets, and the search for them in every byte it wrote.

A canary is found in the forms in which a program writes text without meaning to: as it is, in UTF-16, hex, base64 at
any alignment, URL and JSON escapes, and inside zip and gzip files.
"""

import base64
import gzip
import io
import json
import os
import secrets
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus

_UNPACK_LIMIT = 64 * 1024 * 1024


class Finding(NamedTuple):
    """A canary where none may be: the file (or its member), the byte, and the form in which it stands there."""

    where: str
    offset: int
    form: str


_STEM = os.environ.get("CTS_TEST_STEM") or "Cnry" + secrets.token_hex(8)


def stem() -> str:
    """Return how every canary of this run begins."""
    return _STEM


def make_canary(*, awkward: bool = False, written: bool = False) -> str:
    """Return a new random secret; an `awkward` one has characters that JSON, URLs and repr write differently.

    The whole run's files are searched for it (see suite_canary), unless the test itself has `written` it into one.
    """
    begin = "Wrtn" + secrets.token_hex(8) if written else _STEM
    rest = secrets.token_hex(10)
    return begin + ("é\"'\\/+&= %" if awkward else "") + rest


def canaries_in(data: bytes, canaries: Iterable[str], *, where: str = "data") -> list[Finding]:
    """Return every canary in `data`, once for each form."""
    found = []
    for canary in canaries:
        for form, pattern in _forms(canary):
            offset = data.find(pattern)
            if offset >= 0:
                found.append(Finding(where, offset, form))
    return found


def canaries_under(folder: Path, canaries: Iterable[str], *, without: Iterable[Path] = ()) -> list[Finding]:
    """Return every canary in the files, file names and link targets under `folder`, except in the paths `without`."""
    wanted = list(canaries)
    left_out = {str(path) for path in without}
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if str(Path(parent, name)) not in left_out]
        for name in (*folders, *files):
            path = Path(parent, name)
            if str(path) in left_out:
                continue
            found += canaries_in(os.fsencode(name), wanted, where=f"the name of {path}")
            found += _in_file(path, wanted)
    return found


def _in_file(path: Path, canaries: list[str]) -> list[Finding]:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return canaries_in(os.fsencode(path.readlink()), canaries, where=f"the target of {path}")
    if not stat.S_ISREG(mode):
        return []
    data = path.read_bytes()
    found = canaries_in(data, canaries, where=str(path))
    for member, content in _unpacked(data):
        found += canaries_in(content, canaries, where=f"{path}!{member}")
    return found


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    if data.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(io.BytesIO(data)) as file:
                yield "gzip", file.read(_UNPACK_LIMIT)
        except (OSError, EOFError, zlib.error):
            return
    elif data.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for member in archive.infolist():
                    with archive.open(member) as file:
                        yield member.filename, file.read(_UNPACK_LIMIT)
        except zipfile.BadZipFile:
            return


def _forms(canary: str) -> Iterator[tuple[str, bytes]]:
    clear = canary.encode()
    yield "text", clear
    yield "UTF-16 LE", canary.encode("utf-16-le")
    yield "UTF-16 BE", canary.encode("utf-16-be")
    yield "UTF-32 LE", canary.encode("utf-32-le")
    yield "hex", clear.hex().encode()
    yield "hex, capitals", clear.hex().upper().encode()
    yield "base32", base64.b32encode(clear).rstrip(b"=")[:-1]
    yield "reversed", canary[::-1].encode()
    for escaped, form in (
        (json.dumps(canary)[1:-1], "JSON escape"),
        (json.dumps(canary, ensure_ascii=False)[1:-1], "JSON"),
        (repr(canary)[1:-1], "repr"),
        (ascii(canary)[1:-1], "ascii"),
        (quote(canary, safe=""), "URL"),
        (quote(canary), "URL path"),
        (quote_plus(canary), "URL form"),
        (canary.replace("&", "&amp;").replace('"', "&quot;"), "HTML"),
    ):
        if escaped != canary:
            yield form, escaped.encode()
    for shift in range(3):
        yield from _base64_forms(clear, shift)


def _base64_forms(clear: bytes, shift: int) -> Iterator[tuple[str, bytes]]:
    """Yield the base64 letters that come from `clear` alone when it stands `shift` bytes into a group of three."""
    encoded = base64.b64encode(b"\0" * shift + clear)
    first = (0, 2, 3)[shift]
    last = (len(clear) + shift) // 3 * 4
    pattern = encoded[first:last]
    yield f"base64, shift {shift}", pattern
    other = pattern.translate(bytes.maketrans(b"+/", b"-_"))
    if other != pattern:
        yield f"base64 for URLs, shift {shift}", other
