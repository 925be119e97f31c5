"""Runs the repository's statements on a PostgreSQL session, in the way that sqlite3's connection runs them.

What begins a transaction travels with its first statement, so that it costs no round trip of its own; and as long as
nothing has been done yet, that statement is tried again after a lost session or a lock.
"""

import math
import random
import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, connection, cursor

from storage.postgresql import deadline

ROWS_AT_ONCE: Final = 500
ATTEMPTS: Final = 3
_PAGE = 500
# Control characters that no text of ours has: between values, and in the place of none.
_BETWEEN, _NOTHING = "\x1f", "\x1e"
_TYPES = (
    "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
    " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
)
_INSERT = re.compile(r"INSERT INTO ([\w\".]+) \(([\w\", ]+)\) VALUES \((?:%s, )*%s\)( ON CONFLICT .+)?")
# lock not available, deadlock, serialization failure, time-out: nobody's fault, and gone in a moment.
_PASSING = {"55P03", "40P01", "40001", "57014"}
_PAUSE = 0.05
# What a lock may be waited for: where less is left, another attempt would only end as a server that is silent.
_LOCK_SECONDS = 2.0


class NotStorableError(psycopg2.DataError):
    """A value that cannot even be sent: a NUL, half a character, a number beyond all columns."""


class ChunkedCursor(cursor):
    """Fetches in pieces: one fetchall of 100,000 rows would keep the window's thread waiting for half a second."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        while chunk := super().fetchmany(ROWS_AT_ONCE):
            rows += chunk
        return rows


class SessionStatements:
    """Statements on one session at a time. `lead` is put before each one that would stand outside of a transaction.

    `renew` gives a session in the place of one that is of no use any more. `begun`: a transaction has done something.
    """

    def __init__(self, session: connection, lead: str, renew: Callable[[], connection]) -> None:
        self.session = session
        self.begun = False
        self._lead = lead
        self._renew = renew

    def execute(self, text: str, parameters: Sequence[Any] = (), /) -> ChunkedCursor:
        """Run one statement; with `%s` for each parameter, and without parameters as it stands."""
        attempt = 0
        while True:
            try:
                return self._run(text, parameters)
            except psycopg2.Error as error:
                attempt += 1
                if self.begun or attempt >= ATTEMPTS or not self._made_ready(error, attempt):
                    raise

    def executemany(self, text: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Insert many rows, a few hundred at once, each column as one text: COPY cannot be used with a wait callback.

        That takes half the time of JSON, and a quarter of long VALUES, for which the driver quotes every single value.
        """
        found, source = _INSERT.fullmatch(text), iter(rows)
        kinds: list[str] = []
        while page := list(islice(source, _PAGE)):
            columns = _columns(page) if found else None
            if found and columns:
                kinds = kinds or self._kinds(found[1], found[2])
                self.execute(_many(found, kinds, columns), [column.text for column in columns])
            else:
                for row in page:
                    self.execute(text, row)

    def _kinds(self, table: str, names: str) -> list[str]:
        """Return the types of a table's columns. Of one that is not there the insert itself complains."""
        types = dict(self.execute(_TYPES, (table,)).fetchall())
        return [types.get(name.strip().strip('"'), "text") for name in names.split(",")]

    def _run(self, text: str, parameters: Sequence[Any]) -> ChunkedCursor:
        made = self.session.cursor(cursor_factory=ChunkedCursor)
        try:
            made.execute(text if self.begun else self._lead + text, parameters or None)
        except (ValueError, OverflowError) as error:
            raise NotStorableError("a value cannot be sent") from error
        self.begun = self.begun or not _is_idle(self.session)
        return made

    def _made_ready(self, error: psycopg2.Error, attempt: int) -> bool:
        """Prepare another attempt where that has a point; nothing was done yet."""
        if isinstance(error, deadline.DeadlineError | deadline.StoppedError):
            return False
        if self.session.closed:
            self.session = self._renew()
            return True
        roll_back(self.session)
        if error.pgcode not in _PASSING or deadline.remaining() < _LOCK_SECONDS:
            return False
        time.sleep(_PAUSE * attempt * (0.5 + random.random()))  # noqa: S311 - two desktops must not move in step
        return True


def roll_back(session: connection) -> None:
    """End a transaction, if there is one and anybody to tell."""
    if _is_idle(session):
        return
    try:
        with session.cursor() as ending:
            ending.execute("ROLLBACK")
    except psycopg2.Error:
        session.close()


class _Column(NamedTuple):
    """A column of some rows as one parameter: the value that all of them have (`alike`), or all values in one text."""

    text: str | None
    alike: bool


def _columns(page: Sequence[Sequence[Any]]) -> list[_Column] | None:
    """Return each column of some rows; None where the server could not tell its values, or the rows, apart."""
    if len(page) == 1:
        # One empty text would be an array without any.
        return None
    columns = []
    for values in zip(*page, strict=True):
        if values.count(values[0]) == len(values):
            # Most flags, words and stamps of an import: the server reads such a value once.
            columns.append(_Column(None if values[0] is None else _plain(values[0]), alike=True))
            continue
        if set(map(type, values)) == {str}:
            text = _BETWEEN.join(values)
        else:
            # Flags, counts and stamps: the same few again and again.
            known = {value: _plain(value) for value in set(values)}
            text = _BETWEEN.join(map(known.__getitem__, values))
        if text.count(_BETWEEN) != len(page) - 1 or text.count(_NOTHING) != values.count(None):
            return None
        columns.append(_Column(text, alike=False))
    return None if all(column.alike for column in columns) else columns


def _many(insert: re.Match[str], kinds: Sequence[str], columns: Sequence[_Column]) -> str:
    """Return the insert of some rows. Sets that are selected go on in step, cheaper than a FROM of all of them."""
    values = [
        f"%s::{kind}" if column.alike else f"unnest(string_to_array(%s, E'\\x1f', E'\\x1e')::{kind}[])"
        for kind, column in zip(kinds, columns, strict=True)
    ]
    return f"INSERT INTO {insert[1]} ({insert[2]}) SELECT {', '.join(values)}{insert[3] or ''}"


def _plain(value: Any) -> str:
    if value is None:
        return _NOTHING
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise NotStorableError(f"a {type(value).__name__} cannot be sent")


def _is_idle(session: connection) -> bool:
    return session.closed != 0 or session.get_transaction_status() == TRANSACTION_STATUS_IDLE
