"""Rows of `exchange_connections` to entities and back, for both dialects.

Stored values are plain: words, numbers, JSON texts and sealed tokens. What another program wrote by hand is read as
well as it can be; where its meaning is not sure, the reader is told which column.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from models.connection import (
    CREDENTIALS,
    EDITABLE,
    FIELDS,
    NEVER,
    AccountType,
    Connection,
    ConnectionMethod,
    Environment,
    MarginType,
    PositionMode,
)
from models.connection_row import ConnectionRow
from models.problem import Category, Problem, StoreError
from models.secret import SealedSecret, Secret
from storage.list_rows import as_flag, as_revision, as_tags, as_text

Word = TypeVar("Word", bound=StrEnum)

FLAGS = ("enabled", "active", "live_trade", "preset_trade", "predefined")
_STAMPS = ("created_at", "updated_at")
_WORDS: dict[str, type[StrEnum]] = {
    "account_type": AccountType,
    "environment": Environment,
    "margin_type": MarginType,
    "position_mode": PositionMode,
    "connection_method": ConnectionMethod,
}


def now() -> datetime:
    """Return the time in UTC, to the millisecond: as exact as the store keeps it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@lru_cache(maxsize=256)
def stamp_text(moment: datetime) -> str:
    """Return a stamp as SQLite keeps it: `2026-01-31T09:30:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode(connection: Connection, *, stamps_as_text: bool) -> tuple[Any, ...]:
    """Return the row of a connection, in the order of FIELDS. Credentials must be sealed."""
    # `_value_` is what `value` returns, without its descriptor: this runs 100,000 times in an import.
    return (
        connection.id,
        connection.name,
        connection.exchange,
        connection.account_type._value_,
        connection.environment._value_,
        _token(connection.api_key),
        _token(connection.api_secret),
        _token(connection.api_passphrase),
        connection.margin_type._value_,
        connection.position_mode._value_,
        connection.leverage_limit,
        connection.volume_factor,
        connection.connection_method._value_,
        connection.enabled,
        connection.active,
        connection.live_trade,
        connection.preset_trade,
        connection.predefined,
        _tags_text(connection.tags),
        connection.color,
        connection.note,
        _json_text(connection.extra),
        connection.revision,
        stamp_text(connection.created_at) if stamps_as_text else connection.created_at,
        stamp_text(connection.updated_at) if stamps_as_text else connection.updated_at,
    )


def stored(connection: Connection) -> dict[str, Any]:
    """Return the editable fields as stored values, canonical, so that equal means the same."""
    row = encode(connection, stamps_as_text=True)
    return {name: value for name, value in zip(FIELDS, row, strict=True) if name in _EDITABLE}


def decode(row: Sequence[Any]) -> Connection:
    """Return the connection of a row in the order of FIELDS; StoreError(DATA) names a column that makes no sense."""
    raw = dict(zip(FIELDS, row, strict=True))
    values: dict[str, Any] = {name: as_text(raw[name]) for name in ("id", "name", "exchange", "color", "note")}
    try:
        for name, words in _WORDS.items():
            values[name] = _word(words, raw, name)
        values.update({name: as_flag(raw[name]) for name in FLAGS})
        values.update({name: _sealed(raw[name], name) for name in CREDENTIALS})
        values["leverage_limit"] = _leverage(raw["leverage_limit"])
        values["volume_factor"] = _number(raw["volume_factor"])
        values["extra"] = _extra(raw["extra"])
    except _OddValueError as odd:
        raise StoreError(_odd_problem(values, str(odd.args[0]), raw)) from None
    values["tags"] = as_tags(raw["tags"])
    values["revision"] = as_revision(raw["revision"])
    values.update({name: read_stamp(raw[name]) for name in _STAMPS})
    return Connection(**values)


def row_of(connection: Connection) -> ConnectionRow:
    """Return the line of the list for a connection as it was just stored."""
    return ConnectionRow(
        connection.id,
        connection.name,
        connection.exchange,
        connection.account_type._value_,
        connection.environment._value_,
        connection.enabled,
        connection.active,
        connection.live_trade,
        connection.preset_trade,
        connection.predefined,
        connection.tags,
        connection.color,
        connection.api_key is not None,
        connection.api_secret is not None,
        connection.api_passphrase is not None,
        connection.revision,
        stamp_text(connection.updated_at),
    )


def record_text(row: Sequence[Any]) -> str:
    """Return a whole row as the JSON that a tombstone keeps; odd values of other programs become text."""
    return json.dumps(dict(zip(FIELDS, row, strict=True)), default=as_text)


def record_row(text: str) -> tuple[Any, ...]:
    """Return the row that `record_text` kept."""
    record: Mapping[str, Any] = json.loads(text)
    return tuple(record.get(name) for name in FIELDS)


def read_stamp(value: Any) -> datetime:
    """Read a stamp of ours or of SQLite's CURRENT_TIMESTAMP; what is no stamp at all becomes 1970."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(as_text(value).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return NEVER


_EDITABLE = frozenset(EDITABLE)
_READABLE = json.JSONEncoder(ensure_ascii=False).encode
_SORTED = json.JSONEncoder(sort_keys=True).encode


class _OddValueError(Exception):
    """Carries the name of the column."""


def _token(credential: Secret | SealedSecret | None) -> str | None:
    if isinstance(credential, Secret):
        raise TypeError("A credential must be sealed before it is stored.")
    return None if credential is None else str(credential)


@lru_cache(maxsize=1024)
def _tags_text(tags: tuple[str, ...]) -> str:
    return _READABLE(tags) if tags else "[]"


def _json_text(value: Mapping[str, Any]) -> str:
    if not value:
        return "{}"
    if set(map(type, value.values())) == {str}:
        return _texts_as_json(tuple(value.items()))
    return _SORTED(value)


@lru_cache(maxsize=256)
def _texts_as_json(items: tuple[tuple[str, str], ...]) -> str:
    """Many connections have the same few extra words, and a list of 10,000 is encoded whole."""
    return _SORTED(dict(items))


def _word(words: type[Word], raw: Mapping[str, Any], name: str) -> Word:
    try:
        return words(as_text(raw[name]).strip().lower())
    except ValueError:
        raise _OddValueError(name) from None


def _sealed(value: Any, name: str) -> SealedSecret | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _OddValueError(name)
    return SealedSecret(value)


def _leverage(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and value == value and abs(value) < 1e15:
        return int(value)
    raise _OddValueError("leverage_limit")


def _number(value: Any) -> float:
    if isinstance(value, int | float) and value == value:
        return float(value)
    raise _OddValueError("volume_factor")


def _extra(value: Any) -> dict[str, Any]:
    if value in (None, ""):
        return {}
    try:
        extra = json.loads(value)
    except (ValueError, TypeError, RecursionError):
        raise _OddValueError("extra") from None
    if not isinstance(extra, dict):
        raise _OddValueError("extra")
    return extra


def _odd_problem(values: Mapping[str, Any], column: str, raw: Mapping[str, Any]) -> Problem:
    kind = {str: "a text", int: "a number", float: "a number", type(None): "nothing"}.get(
        type(raw[column]), "binary data"
    )
    return Problem(
        Category.DATA,
        f"The connection “{values['name']}” cannot be opened: column {column} holds {kind} that makes no sense there.",
        f"Correct {column} where it was written, or delete the connection and make it again.",
        f"exchange_connections.{column}",
    )
