"""One record, one file: what stands in it, and how it is read without believing any of it.

The text that is written is canonical (one order of keys, one way to set them), so that its sha256 can be compared
before anything of it is understood. A file that a person has set differently has the same digest once it is read.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from models.connection import EDITABLE, Connection
from models.problem import Category, Problem, StoreError
from storage.atomic_file import BadFileError, read_capped
from storage.connection_codec import stamp_text, stored
from storage.json_file import load_json
from storage.json_store.names import file_name
from storage.operations import Kind, Operation

FORMAT: Final = "cts-connections record 1"
FAMILY: Final = "cts-connections record "

_TAIL = b',\n  "sha256": "'
_END = b'"}\n'
_TAIL_LENGTH = len(_TAIL) + 64 + len(_END)
# One field a line, from the C encoder: its own indentation would make every save three times as dear.
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",\n  ", ": ")).encode
# In the order in which they are written: in that order they are known at a look.
_KEYS = ("format", "id", "database", "deleted", "base", "mine", "pending", "rejected", "sha256")
_DATABASE_KEYS = ("id", "epoch")
_BASE_KEYS = ("revision", "created_at", "updated_at", "deleted_at", "fields")
_EDITABLE = frozenset(EDITABLE)
_TEXT_OR_NOTHING = (str, type(None))


class NewerFormatError(BadFileError):
    """A record of a program newer than this one: it is left where it is."""


class Identity(NamedTuple):
    """Which database a record was mirrored from; "" and 0 while none is known."""

    database_id: str = ""
    epoch: int = 0


class StoredRecord(NamedTuple):
    """A record as the database has it. `fields` are the editable fields as stored values; `deleted_at` None: alive."""

    revision: int
    created_at: str
    updated_at: str
    fields: Mapping[str, Any]
    deleted_at: str | None = None


class Rejected(NamedTuple):
    """An operation that the database refused, and why."""

    operation: Operation
    problem: Problem


class Record(NamedTuple):
    """What one file holds. `pending` are the operations that the database does not have yet, oldest first."""

    id: str
    identity: Identity = Identity()
    base: StoredRecord | None = None
    pending: tuple[Operation, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    @property
    def state(self) -> StoredRecord | None:
        """The record as it is seen here: the base with everything that waits. None where nothing is left of it."""
        return self.base if not self.pending else _with_pending(self.base, self.pending)


def stored_record(connection: Connection) -> StoredRecord:
    """Return what a mirror keeps of a connection."""
    return StoredRecord(
        connection.revision, stamp_text(connection.created_at), stamp_text(connection.updated_at), stored(connection)
    )


def full_row(connection_id: str, state: StoredRecord) -> tuple[Any, ...]:
    """Return the row of a record in the order of FIELDS, as the codec decodes it."""
    fields = state.fields
    return (
        connection_id,
        *[fields[name] for name in EDITABLE],
        state.revision,
        state.created_at,
        state.updated_at,
    )


def dump_record(record: Record) -> tuple[bytes, str]:
    """Return the text of a record's file, and its sha256."""
    state = record.state
    value = {
        "format": FORMAT,
        "id": record.id,
        "database": {"id": record.identity.database_id, "epoch": record.identity.epoch},
        "deleted": None if state is None else state.deleted_at,
        "base": None if record.base is None else _base_json(record.base),
        "mine": _mine(record, state),
        "pending": [operation.to_json() for operation in record.pending],
        "rejected": [_rejected_json(each) for each in record.rejected],
    }
    body = _ENCODE(value).encode()
    digest = hashlib.sha256(body).hexdigest()
    return body[:-1] + _TAIL + digest.encode() + _END, digest


def read_record(path: Path) -> tuple[Record, str]:
    """Return the record in a file and its sha256. Raises BadFileError, or OSError where it cannot be read."""
    return load_record(read_capped(path), path.name)


def load_record(content: bytes, name: str) -> tuple[Record, str]:
    """Return the record in `content`, which must be the file called `name`. Raises BadFileError."""
    intact = _is_intact(content)
    value = _load_intact(content, name) if intact else load_json(content, name=name)
    if not isinstance(value, dict) or not isinstance(value.get("format"), str):
        raise BadFileError(name, "does not hold a record")
    if value["format"] != FORMAT:
        if _is_newer(value, intact=intact):
            raise NewerFormatError(name, "was written by a newer version of the program")
        raise BadFileError(name, "holds no record")
    try:
        record = _record(value)
    except _OddError as odd:
        raise BadFileError(name, f"is not as a record is: {odd}") from None
    if file_name(record.id) != name:
        raise BadFileError(name, "holds the record of another file")
    digest = value["sha256"]
    if not intact and dump_record(record)[1] != digest:
        raise BadFileError(name, "was changed or damaged: its sha256 does not fit")
    return record, digest


def _is_intact(content: bytes) -> bool:
    """Tell whether a text ends with the digest of what is before it: then it is, byte for byte, what was written."""
    if content[-_TAIL_LENGTH : -_TAIL_LENGTH + len(_TAIL)] != _TAIL or content[-len(_END) :] != _END:
        return False
    body = hashlib.sha256(content[:-_TAIL_LENGTH])
    body.update(b"}")
    return body.hexdigest().encode() == content[-64 - len(_END) : -len(_END)]


def _load_intact(content: bytes, name: str) -> Any:
    """Decode what a program of ours wrote in half the time; whatever is strange about it goes the strict way."""
    try:
        text = content.decode()
        value, end = _SCAN(text, 0)
    except (ValueError, RecursionError, StopIteration):
        return load_json(content, name=name)
    return value if text[end:] == "\n" else load_json(content, name=name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("too large")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


_SCAN: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse).scan_once  # type: ignore[attr-defined]


def _is_newer(value: dict[str, Any], *, intact: bool) -> bool:
    """Every format ends with its digest, so that a damaged number is not taken for a newer one."""
    return intact and value["format"].removeprefix(FAMILY).isdecimal()


def _with_pending(base: StoredRecord | None, pending: tuple[Operation, ...]) -> StoredRecord | None:
    state = base
    for operation in pending:
        if state is None:
            if operation.kind is not Kind.ADD:
                continue
            state = StoredRecord(1, operation.made_at, operation.made_at, operation.changes)
        elif operation.kind is Kind.REMOVE:
            state = state._replace(deleted_at=operation.made_at)
        else:
            # An edit wins over a deletion.
            state = StoredRecord(
                state.revision + 1, state.created_at, operation.made_at, {**state.fields, **operation.changes}
            )
    return state


def _mine(record: Record, state: StoredRecord | None) -> dict[str, Any] | None:
    """Return the fields that differ from the base while something waits: for people, and for other programs."""
    if not record.pending or state is None:
        return None
    base = record.base.fields if record.base is not None else {}
    fields = state.fields
    return {"fields": {name: fields[name] for name in EDITABLE if name not in base or base[name] != fields[name]}}


def _base_json(base: StoredRecord) -> dict[str, Any]:
    return {
        "revision": base.revision,
        "created_at": base.created_at,
        "updated_at": base.updated_at,
        "deleted_at": base.deleted_at,
        "fields": {name: base.fields[name] for name in EDITABLE},
    }


def _rejected_json(rejected: Rejected) -> dict[str, Any]:
    problem = rejected.problem
    told = {name: getattr(problem, name) for name in ("category", "text", "solution", "detail")}
    return {"operation": rejected.operation.to_json(), "problem": told}


class _OddError(Exception):
    """Says what is odd, in words that quote no value."""


def _record(value: dict[str, Any]) -> Record:
    if not _has(value, _KEYS):
        raise _OddError("a part is missing or unknown")
    database = value["database"]
    if not isinstance(database, dict) or not _has(database, _DATABASE_KEYS) or not _is_count(database["epoch"]):
        raise _OddError("database")
    if not isinstance(value["id"], str) or not isinstance(database["id"], str) or not isinstance(value["sha256"], str):
        raise _OddError("id")
    if not value["sha256"].isascii():
        raise _OddError("sha256")
    if not isinstance(value["pending"], list) or not isinstance(value["rejected"], list):
        raise _OddError("pending")
    pending = tuple([_operation(each, value["id"]) for each in value["pending"]]) if value["pending"] else ()
    rejected = tuple([_rejected(each, value["id"]) for each in value["rejected"]]) if value["rejected"] else ()
    base = None if value["base"] is None else _base(value["base"])
    return Record(value["id"], Identity(database["id"], database["epoch"]), base, pending, rejected)


def _base(value: Any) -> StoredRecord:
    if not isinstance(value, dict) or not _has(value, _BASE_KEYS):
        raise _OddError("base")
    if not _is_count(value["revision"]) or not isinstance(value["created_at"], str):
        raise _OddError("base")
    if not isinstance(value["updated_at"], str) or not isinstance(value["deleted_at"], _TEXT_OR_NOTHING):
        raise _OddError("base")
    _check_fields(value["fields"], whole=True)
    return StoredRecord(
        value["revision"], value["created_at"], value["updated_at"], value["fields"], value["deleted_at"]
    )


def check_operation(operation: Operation) -> None:
    """Raise StoreError unless the operation can be written and read back as it is."""
    try:
        _operation(operation.to_json(), operation.connection_id)
    except _OddError as odd:
        raise StoreError(_not_a_change(str(odd))) from None


def _not_a_change(what: str) -> Problem:
    return Problem(
        Category.DATA,
        f"The change cannot be kept in a file: its {what} is of a kind that a record does not have.",
        "Report it with the log; nothing was changed.",
    )


def _check_fields(fields: Any, *, whole: bool) -> None:
    """Raise for names that are no editable field, for one that is missing from a whole, for values of another type."""
    if not isinstance(fields, dict):
        raise _OddError("fields")
    kinds = (tuple(fields), tuple(map(type, fields.values())))
    if kinds in _KNOWN_KINDS and (not whole or len(fields) == len(_EDITABLE)):
        return
    if not (fields.keys() == _EDITABLE if whole else fields.keys() <= _EDITABLE):
        raise _OddError("fields")
    for name, kind in zip(*kinds, strict=True):
        if kind not in _KINDS[name]:
            raise _OddError(name)
    if len(_KNOWN_KINDS) < _KNOWN_LIMIT:
        _KNOWN_KINDS.add(kinds)


def _operation(value: Any, connection_id: str) -> Operation:
    try:
        operation = Operation.from_json(value)
    except (ValueError, TypeError, KeyError):
        raise _OddError("a waiting change") from None
    if operation.connection_id != connection_id:
        raise _OddError("a waiting change of another record")
    _check_fields(dict(operation.changes), whole=operation.kind is Kind.ADD)
    _check_fields(dict(operation.base), whole=False)
    return operation


def _rejected(value: Any, connection_id: str) -> Rejected:
    if not isinstance(value, dict) or value.keys() != {"operation", "problem"}:
        raise _OddError("rejected")
    problem = value["problem"]
    try:
        told = Problem(Category(problem["category"]), problem["text"], problem["solution"], problem["detail"])
    except (ValueError, TypeError, KeyError):
        raise _OddError("rejected") from None
    if not all(isinstance(text, str) for text in told):
        raise _OddError("rejected")
    return Rejected(_operation(value["operation"], connection_id), told)


def _has(value: dict[str, Any], keys: tuple[str, ...]) -> bool:
    """Tell whether these are the keys; a person may have put them in another order."""
    found = tuple(value)
    return found == keys or (len(found) == len(keys) and set(found) == set(keys))


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


_FLAGS = {"enabled", "active", "live_trade", "preset_trade", "predefined"}
_MAYBE = {"api_key", "api_secret", "api_passphrase"}
_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(EDITABLE, (str,)),
    **dict.fromkeys(_FLAGS, (bool,)),
    **dict.fromkeys(_MAYBE, (str, type(None))),
    "leverage_limit": (int, type(None)),
    "volume_factor": (float, int),
}
# Records have the same few shapes: each is looked at once.
_KNOWN_KINDS: set[tuple[tuple[str, ...], tuple[type, ...]]] = set()
_KNOWN_LIMIT = 256
