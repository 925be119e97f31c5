"""One value, whichever database it comes from: the form in which records are compared, exported and copied.

Both databases take this form as it is; so what is read back from the target can be compared with what left the source.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from models.connection import NEVER
from storage.list_rows import as_flag, as_text

Row = tuple[Any, ...]

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
_KINDS = {
    "text": "text",
    "integer": "integer",
    "bigint": "integer",
    "double precision": "number",
    "real": "number",
    "boolean": "boolean",
    "timestamptz": "stamp",
    "timestamp with time zone": "stamp",
}


class OddValueError(ValueError):
    """A value that does not fit its column; another program wrote it."""


def kind_of(declared: str) -> str:
    """Return the kind of a column: text, integer, number, boolean or stamp."""
    return _KINDS.get(declared.strip().lower(), "text")


def converter(kind: str) -> Callable[[Any], Any]:
    """Return what makes a column's values canonical; it raises OddValueError."""
    return _CONVERTERS[kind]


def encode(row: Sequence[Any]) -> bytes:
    """Return a canonical row as JSON."""
    return _ENCODE(row).encode("utf-8", "surrogatepass")


def digest(row: Sequence[Any]) -> bytes:
    """Return the sha256 of a canonical row."""
    return hashlib.sha256(encode(row)).digest()


def _text(value: Any) -> Any:
    return value if type(value) is str or value is None else as_text(value)


def _integer(value: Any) -> Any:
    if type(value) is int or value is None:
        return value
    if isinstance(value, bool | int | float) and value == value and value == int(value):
        return int(value)
    raise OddValueError


def _number(value: Any) -> Any:
    if type(value) is float or value is None:
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise OddValueError
    return float(value)


def _boolean(value: Any) -> Any:
    return None if value is None else as_flag(value)


def _stamp(value: Any) -> Any:
    if value is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(as_text(value).strip())
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        moment = NEVER
    exact = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.isoformat(timespec=exact).replace("+00:00", "Z")


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "stamp": _stamp,
}
