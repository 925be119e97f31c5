"""JSON that means one thing: read strictly, or not at all.

Python's reader takes UTF-16, NaN, 1e999 and the last of two equal keys; and a file of 100,000 brackets ends it with
RecursionError. Each of these is damage, or somebody's try, and is refused here with a sentence.
"""

import json
import math
import re
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any, NoReturn

from storage.atomic_file import RECORD_LIMIT, SYSTEM, BadFileError, FileCalls, read_capped, write_atomic

DEPTH_LIMIT = 64
NUMBER_LIMIT = 40
"""Characters of one number; every number that SQLite or a float can hold is shorter."""

# Possessive, with an optional end: one pass over the text, whatever it holds.
_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _RefusedError(Exception):
    """Carries the reason out of the decoder's hooks."""


def load_json(content: bytes, *, name: str = "The file") -> Any:
    """Return the value in `content`. Raises BadFileError whose sentence begins with `name` and quotes nothing."""
    try:
        # Not "utf-8-sig": that codec is written in Python and takes as long as the decoding of a small record.
        text = content.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise BadFileError(name, f"is not UTF-8 text (byte {error.start + 1})") from None
    if not text[:1].strip("\0 \t\r\n") and not text.strip("\0 \t\r\n"):
        raise BadFileError(name, "is empty" if not text.strip() else "holds nothing but zero bytes")
    if _depth_exceeds(text, DEPTH_LIMIT):
        raise BadFileError(name, f"is nested deeper than {DEPTH_LIMIT} levels")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise BadFileError(name, f"is not JSON (line {error.lineno}, column {error.colno})") from None
    except _RefusedError as error:
        raise BadFileError(name, str(error)) from None
    if b"\\u" in content and _SURROGATE.search(content) and not _encodes(value):
        raise BadFileError(name, "holds half a character (a lone surrogate)")
    return value


def read_json(path: Path, limit: int = RECORD_LIMIT) -> Any:
    """Return the value in the file at `path`. Raises BadFileError, or OSError where it cannot be read."""
    return load_json(read_capped(path, limit), name=path.name)


def dump_json(value: Any) -> bytes:
    """Return `value` as JSON text for people: two spaces, keys in the given order. Raises ValueError for NaN."""
    return (json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()


def write_json(path: Path, value: Any, *, backup: bool = True, calls: FileCalls = SYSTEM) -> None:
    """Replace `path` by `value`, durably. Raises OSError (see write_atomic), ValueError for what JSON cannot hold."""
    write_atomic(path, dump_json(value), backup=backup, calls=calls)


def _depth_exceeds(text: str, limit: int) -> bool:
    # Most files have fewer brackets in all than may be nested: then no look at where they stand is needed.
    if text.count("{") + text.count("[") <= limit:
        return False
    depth = 0
    for match in _STRINGS_AND_BRACKETS.finditer(text):
        token = match[0]
        if token in ("{", "["):
            depth += 1
            if depth > limit:
                return True
        elif token in ("}", "]"):
            depth -= 1
    return False


def _encodes(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _RefusedError("has the same key twice in one object")
    return result


def _integer(text: str) -> int:
    if len(text) > NUMBER_LIMIT:
        raise _RefusedError(f"holds a number of more than {NUMBER_LIMIT} digits")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _RefusedError("holds a number that is too large")
    return value


def _constant(text: str) -> NoReturn:
    raise _RefusedError(f"holds {text}, which is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)
