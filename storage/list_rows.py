"""The list of connections from a SQLite cursor: what preview and repository share, so that both show the same.

It imports next to nothing, because the first paint waits for it. Columns are converted whole, one at a time: that keeps
10,000 rows near the cost of reading them.
"""

import gc
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import islice, pairwise
from operator import eq
from typing import Any

from models.connection_row import ConnectionRow

_TEXTS = (0, 1, 2, 3, 4, 11, 16)
_FLAGS = (5, 6, 7, 8, 9, 12, 13, 14)
_TAGS, _REVISION = 10, 15
PIECE = 5_000
"""So many rows are handled by one call that lets no other thread run."""
_WIDTH = len(ConnectionRow._fields)
_STORED = {"api_key_set": "api_key", "api_secret_set": "api_secret", "api_passphrase_set": "api_passphrase"}

LIST_SQL = (
    "SELECT "  # noqa: S608 - our own column names; secret columns are asked for being set, never for their value
    + ", ".join(f"COALESCE({_STORED[name]}, '') != ''" if name in _STORED else name for name in ConnectionRow._fields)
    + " FROM exchange_connections"
)
"""Selects a row's fields in their order, unordered: the order is made in Python, alike on every database."""


def file_uri(path: str, mode: str) -> str:
    """Return SQLite's URI for a path; `mode` is ro, rw or rwc."""
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23").replace("\\", "/")
    if not quoted.startswith("/"):
        quoted = "/" + quoted if quoted[1:2] == ":" else quoted
    return f"file:{quoted}?mode={mode}"


def fetch_rows(connection: Any, sql: str = LIST_SQL) -> list[ConnectionRow]:
    """Read the whole list in order. Text that is not UTF-8 is shown with replacement characters."""
    # One pause for both: at its end the collector looks through all that is new, in one go.
    with collector_paused():
        try:
            raw = connection.execute(sql).fetchall()
        except getattr(connection, "OperationalError", ()) as error:
            # Only SQLite keeps text that is none; PostgreSQL's statements have no such error to name.
            if "decode" not in str(error):
                raise
            before = connection.text_factory
            connection.text_factory = _lenient_text
            try:
                raw = connection.execute(sql).fetchall()
            finally:
                connection.text_factory = before
        return to_rows(raw)


def to_rows(raw: list[Any]) -> list[ConnectionRow]:
    """Make rows of raw tuples, ordered by name whatever its case, then by id. They are taken out of `raw`."""
    with collector_paused():
        return in_order(convert_all(raw))


def convert_all(raw: list[Any]) -> list[ConnectionRow]:
    """Make rows of raw tuples in the order in which they come. They are taken out of `raw`.

    In pieces, because one call over 100,000 rows would keep the window's thread waiting; and so would freeing them.
    """
    if len(raw) <= PIECE:
        return convert(raw)
    rows: list[ConnectionRow] = []
    while raw:
        rows += convert(raw[:PIECE])
        del raw[:PIECE]
    return rows


def in_order(rows: Sequence[ConnectionRow]) -> list[ConnectionRow]:
    """Return rows by name whatever its case, then by id."""
    folded = [row.name.casefold() for row in rows]
    ordered: list[ConnectionRow] = []
    for part in _parts(folded):
        part.sort(key=folded.__getitem__)
        if any(map(eq, map(folded.__getitem__, part), map(folded.__getitem__, islice(part, 1, None)))):
            part.sort(key=lambda index: (folded[index], rows[index].id))
        ordered += [rows[index] for index in part]
    return ordered


def _parts(folded: Sequence[str]) -> Iterator[list[int]]:
    """Yield the places of all names in parts, each of which comes before the next: no sort is of very many.

    Equal names are in one part. Sorting a part is but a merge, because it is made of sorted runs.
    """
    places = range(len(folded))
    if len(folded) <= PIECE:
        yield list(places)
        return
    by_name = folded.__getitem__
    runs = [sorted(places[start : start + PIECE], key=by_name) for start in range(0, len(folded), PIECE)]
    known = sorted(by_name(place) for run in runs for place in run[:: len(runs)])
    ends = [[0] * len(runs)]
    ends += [
        [bisect_left(run, name, key=by_name) for run in runs] for name in known[:: -(-len(known) // len(runs))][1:]
    ]
    ends.append([len(run) for run in runs])
    for before, after in pairwise(ends):
        yield [place for run, first, last in zip(runs, before, after, strict=True) for place in run[first:last]]


@contextmanager
def collector_paused() -> Iterator[None]:
    """Make many values without the garbage collector looking through all of them, or all there are, in one go.

    New ones are looked at as they come, some thousand at a time: whoever waits for the interpreter does not notice.
    """
    _pauses.begin()
    try:
        yield
    finally:
        _pauses.end()


class _Pauses:
    """Pauses of several threads: the collector is itself again when the last one ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._usual = gc.get_threshold()

    def begin(self) -> None:
        with self._lock:
            self._running += 1
            if self._running == 1:
                self._usual = gc.get_threshold()
                gc.set_threshold(*_SOME, _NEVER)

    def end(self) -> None:
        with self._lock:
            self._running -= 1
            if not self._running:
                gc.set_threshold(*self._usual)


_SOME, _NEVER = (2_000, 5), 1 << 30
_pauses = _Pauses()


def convert(raw: Sequence[Sequence[Any]]) -> list[ConnectionRow]:
    """Make rows of raw tuples in the order in which they come."""
    return convert_columns(list(zip(*raw, strict=True))) if raw else []


def convert_columns(raw: Sequence[Sequence[Any]]) -> list[ConnectionRow]:
    """Make rows of their raw columns, none of which is empty."""
    columns: list[Iterable[Any]] = list(raw)
    for index in _TEXTS:
        columns[index] = _column(columns[index], str, as_text)
    for index in _FLAGS:
        columns[index] = map(bool, columns[index]) if _are_flags(columns[index]) else map(as_flag, columns[index])
    columns[_REVISION] = _column(columns[_REVISION], int, as_revision)
    known: dict[Any, tuple[str, ...]] = {}
    columns[_TAGS] = [_known_tags(value, known) for value in columns[_TAGS]]
    make: Callable[[tuple[Any, ...]], ConnectionRow] = partial(tuple.__new__, ConnectionRow)
    return list(map(make, zip(*columns, strict=True)))


def _column(values: Iterable[Any], wanted: type, convert: Callable[[Any], Any]) -> list[Any]:
    column = list(values)
    if set(map(type, column)) == {wanted}:
        return column
    if column.count(column[0]) == len(column):
        # The stamps of one transaction.
        return [convert(column[0])] * len(column)
    return [convert(value) for value in column]


def _are_flags(values: Iterable[Any]) -> bool:
    return set(map(type, values)) <= {int, bool}


def _known_tags(value: Any, known: dict[Any, tuple[str, ...]]) -> tuple[str, ...]:
    try:
        return known[value]
    except (KeyError, TypeError):
        tags = as_tags(value)
    if isinstance(value, str):
        known[value] = tags
    return tags


def as_text(value: Any) -> str:
    """Whatever a text column holds, as text: rows written by plain SQL are listed too."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | memoryview):
        return _lenient_text(bytes(value))
    if value is None:
        return ""
    return _stamp_text(value) if hasattr(value, "astimezone") else str(value)


@lru_cache(maxsize=256)
def _stamp_text(moment: Any) -> str:
    # Only PostgreSQL gives stamps that are none yet, and rarely here: its list query makes texts of them.
    from datetime import UTC

    return str(moment.astimezone(UTC).isoformat(timespec="milliseconds")).replace("+00:00", "Z")


def as_flag(value: Any) -> bool:
    """Only what clearly says yes is true: a flag may arm trading."""
    if isinstance(value, int | float):
        return bool(value)
    return isinstance(value, str) and value.strip().lower() in {"1", "true", "yes", "on", "t"}


def as_revision(value: Any) -> int:
    return value if isinstance(value, int) else 0


def as_tags(value: Any) -> tuple[str, ...]:
    """Return the tags that a JSON array holds; anything else has none."""
    if value in ("[]", "", None) or not isinstance(value, str):
        return ()
    import json

    try:
        tags = json.loads(value)
    except (ValueError, RecursionError):
        return ()
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _lenient_text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
