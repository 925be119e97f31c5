"""Connections in from JSON files, ours and those of CTS v3.1, and out to a file without their secrets."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from models import VERSION
from models.connection import CREDENTIALS, Connection
from models.connection_names import free_name, without_number
from models.connection_row import ConnectionRow
from models.connection_rules import InvalidFieldsError, advice, gaps, new_connection_id, validate
from models.problem import Category, InputError, Problem, StoreError
from models.secret import SealedSecret, Secret
from models.secret_names import secret_fields, snake
from models.status import ImportItem
from services.connections import ConnectionService, as_json
from storage.atomic_file import read_capped, write_atomic
from storage.diagnosis import diagnose
from storage.json_file import dump_json, load_json
from storage.legacy.json_sources import FILE_LIMIT, RECORD_LIMIT, records_in
from storage.legacy.records import translate
from storage.legacy.secret_words import Finder, is_placeholder, is_sealed, redact

EXPORT_FORMAT: Final = "cts-connections-export"
EXPORT_VERSION: Final = 1

_OURS = {"account_type", "environment"}
# What only CTS v3.1 writes. Its other field names are ours too, and mean the same.
_THEIRS = {
    *("api_type", "api_capabilities", "connection_library", "connection_priority", "connection_settings"),
    *("dual_mode_settings", "exchange_id", "is_active", "is_enabled", "is_live_trade", "is_predefined"),
    *("is_preset_trade", "is_testnet", "last_test_status", "rate_limits", "testnet", "user_id"),
}
_NOT_IMPORTED = {"revision", "created_at", "updated_at", *(f"{name}_set" for name in CREDENTIALS)}
_log = logging.getLogger(__name__)


class Opener(Protocol):
    """The part of the Vault that this service uses."""

    def open_secret(self, connection_id: str, field: str, token: SealedSecret) -> Secret: ...


class _Read(NamedTuple):
    """One record of a file: the connection, or why there is none, and sentences about it."""

    source: str
    label: str
    exchange: str
    connection: Connection | None
    why: str = ""
    advice: tuple[str, ...] = ()


class TransferService:
    """Every call blocks and raises CtsError. Nothing that is there is ever changed by an import."""

    def __init__(self, connections: ConnectionService, vault: Opener, folder: Path | None = None) -> None:
        self._connections = connections
        self._vault = vault
        self._folder = folder

    def preview(self, paths: Sequence[Path]) -> list[ImportItem]:
        """Tell what `apply` would do with each record, and change nothing.

        A file that is not what it should be raises InputError naming it; a single record that is wrong is an item with
        the action `refuse`.
        """
        return [item for item, _ in self._decide(paths)]

    def apply(self, paths: Sequence[Path]) -> list[ImportItem]:
        """Add every acceptable record of the files in one transaction: all of them, or none if storing fails."""
        decided = self._decide(paths)
        new = [connection for _, connection in decided if connection is not None]
        if new:
            self._connections.add_all(new)
            _log.info("%d connections were imported.", len(new))
        return [item for item, _ in decided]

    def export(self, path: Path, ids: Sequence[str] | None = None) -> int:
        """Write connections, all or those of `ids`, without secrets; return how many. An older file is kept as .bak."""
        wanted = [row.id for row in self._connections.rows()] if ids is None else list(dict.fromkeys(ids))
        records = [_record(self._connections.get(connection_id)) for connection_id in wanted]
        value = {
            "format": EXPORT_FORMAT,
            "version": EXPORT_VERSION,
            "program": VERSION,
            "exported_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "connections": records,
        }
        if _holds_something_else(path, self._folder):
            raise InputError(
                f"{path.name} is in the data folder and no export; nothing was written.",
                "Choose another name or folder.",
            )
        try:
            write_atomic(path, dump_json(value))
        except OSError as error:
            raise StoreError(_of_that_file(error, path)) from error
        return len(records)

    def _decide(self, paths: Sequence[Path]) -> list[tuple[ImportItem, Connection | None]]:
        records = [record for path in paths for record in _read_file(path)]
        if len(records) > RECORD_LIMIT:
            raise _refused("The files together", f"hold more than {RECORD_LIMIT:,} records")
        present = _Present(self._connections, self._vault)
        return [present.decide(record) for record in records]


class _Present:
    """What is there already, and what this import has added to it so far."""

    def __init__(self, connections: ConnectionService, vault: Opener) -> None:
        rows = connections.rows()
        self._connections = connections
        self._vault = vault
        self._names = {row.name for row in rows}
        self._ids = {row.id for row in rows}
        self._deleted = {each.id for each in connections.deleted()}
        self._keys: dict[str, Secret | None] = {}
        self._twins: dict[tuple[str, str], list[ConnectionRow | Connection]] = {}
        self._numbered: dict[tuple[str, str], list[ConnectionRow | Connection]] = {}
        for row in rows:
            self._remember(row, row.name)

    def decide(self, record: _Read) -> tuple[ImportItem, Connection | None]:
        connection = record.connection
        if connection is None:
            return self._item(record, "refuse", record.why), None
        if connection.id in self._ids:
            return self._item(record, "skip", "A connection with its id is there already; it stays as it is."), None
        if self._same_account(connection):
            sentence = "A connection of this name and exchange, with the same key, is there already."
            if not connection.api_key_set:
                sentence = "A connection of this name and exchange is there already; this record brings no key."
            return self._item(record, "skip", sentence), None
        name = free_name(connection.name, self._names)
        # A deleted connection may be restored under its own id one day.
        identity = connection.id if connection.id not in self._deleted else new_connection_id()
        ready = replace(connection, id=identity, name=name)
        self._names.add(name)
        self._ids.add(identity)
        self._remember(ready, connection.name)
        sentence = "It is new." if name == connection.name else f"“{connection.name}” is taken; it gets a suffix."
        return self._item(record._replace(label=name), "add", sentence), ready

    def _remember(self, one: ConnectionRow | Connection, name: str) -> None:
        self._twins.setdefault((name, one.exchange), []).append(one)
        # One that got a suffix when it came in is the same when its file is imported again.
        if (wanted := without_number(one.name)) != one.name:
            self._numbered.setdefault((wanted, one.exchange), []).append(one)

    def _same_account(self, connection: Connection) -> bool:
        which = (connection.name, connection.exchange)
        for other in self._twins.get(which, ()):
            if connection.api_key is None or self._key(other) == connection.api_key:
                return True
        return any(self._key(other) == connection.api_key for other in self._numbered.get(which, ()))

    def _key(self, other: ConnectionRow | Connection) -> Secret | None:
        if isinstance(other, Connection):
            return other.api_key if isinstance(other.api_key, Secret) else None
        if other.id not in self._keys:
            token = self._connections.get(other.id).api_key
            known = self._vault.open_secret(other.id, "api_key", token) if isinstance(token, SealedSecret) else None
            self._keys[other.id] = known
        return self._keys[other.id]

    @staticmethod
    def _item(record: _Read, action: str, sentence: str) -> ImportItem:
        connection = record.connection
        brings = connection is not None and any(getattr(connection, name) is not None for name in CREDENTIALS)
        return ImportItem(record.source, record.label, record.exchange, action, sentence, record.advice, brings)


def _read_file(path: Path) -> list[_Read]:
    try:
        value = load_json(read_capped(path, FILE_LIMIT), name=path.name)
    except StoreError as error:
        why = getattr(error, "why", None)
        raise _refused(path.name, why or "cannot be read") from None
    except OSError as error:
        raise StoreError(_of_that_file(error, path)) from error
    records = _records(path, value)
    if len(records) > RECORD_LIMIT:
        raise _refused(path.name, f"holds more than {RECORD_LIMIT:,} records")
    return [_one(path, spare, raw) for spare, raw in records]


def _one(path: Path, spare: str, raw: Any) -> _Read:
    if not isinstance(raw, dict):
        return _Read(path.name, spare, "", None, "It is no connection.")
    return _from_cts(path, spare, raw) if _is_of_cts(raw) else _native(path, raw)


def _is_of_cts(raw: Mapping[str, Any]) -> bool:
    """Tell by names that only CTS v3.1 has, and by credentials that are not spelled as ours are (apiKey)."""
    if _OURS & set(raw):
        return False
    names = {snake(str(name)) for name in raw}
    return bool(_THEIRS & names) or any(name in names and name not in raw for name in CREDENTIALS)


def _records(path: Path, value: Any) -> Sequence[tuple[str, Any]]:
    """Return the records of a file, whichever of the known forms it has."""
    if isinstance(value, dict) and "format" in value:
        version = value.get("version")
        if value["format"] != EXPORT_FORMAT or not isinstance(value.get("connections"), list):
            raise _refused(path.name, "is not a list of connections")
        if not isinstance(version, int) or version > EXPORT_VERSION:
            raise _refused(path.name, "was written by a newer version of this program")
        return _numbered(path, value["connections"])
    if isinstance(value, dict) and isinstance(value.get("connections"), list):
        return _numbered(path, value["connections"])
    if isinstance(value, list):
        return _numbered(path, value)
    if isinstance(value, dict) and _OURS & set(value):
        return [(path.stem, value)]
    if found := records_in(value, path.stem):
        return found
    raise _refused(path.name, "holds no connections")


def _numbered(path: Path, items: list[Any]) -> list[tuple[str, Any]]:
    if items and not any(isinstance(item, dict) for item in items):
        raise _refused(path.name, "holds no connection, only other things")
    return [(f"{path.stem}#{number}", item) for number, item in enumerate(items, 1)]


def _native(path: Path, raw: Mapping[str, Any]) -> _Read:
    """Read one record with our own field names. Secrets under other names are not kept: `extra` is not encrypted."""
    fields = {name: value for name, value in raw.items() if name not in _NOT_IMPORTED}
    notes = []
    for name in CREDENTIALS:
        value = fields.get(name)
        if isinstance(value, str) and is_sealed(value):
            notes.append("Its credentials are encrypted for another vault and were left out.")
        if value is None or (isinstance(value, str) and (is_sealed(value) or _is_blank(name, value))):
            fields.pop(name, None)
    label = str(raw.get("name") or "")[:200]
    exchange = str(raw.get("exchange") or "")[:50]
    try:
        connection = validate(fields, complete=False)
    except InvalidFieldsError as error:
        return _Read(path.name, label, exchange, None, str(error.problem.text))
    secrets = [getattr(connection, name).reveal() for name in CREDENTIALS if getattr(connection, name)]
    if lost := list(dict.fromkeys(secret_fields(connection.extra))):
        notes.append(f"{', '.join(lost)[:200]}: named like a secret, and no field of a connection; it was left out.")
    connection = replace(connection, extra=redact(connection.extra, Finder(secrets)))
    return _read(path, connection, notes)


def _is_blank(name: str, value: str) -> bool:
    """Tell whether a credential only holds its place. A passphrase is chosen by a person: `pp` may be one."""
    letters = set(value.strip().lower())
    if name == "api_passphrase" and len(letters) == 1 and letters != {"x"} and letters.pop().isalnum():
        return False
    return is_placeholder(value)


def _from_cts(path: Path, spare: str, raw: Mapping[str, Any]) -> _Read:
    found = translate(raw, fallback_id=spare)
    if found.connection is None:
        return _Read(path.name, found.label, str(raw.get("exchange") or "")[:50], None, found.why)
    return _read(path, found.connection, found.notes)


def _read(path: Path, connection: Connection, notes: Sequence[str]) -> _Read:
    sentences = [*dict.fromkeys(notes), *advice(connection)]
    missing = gaps(connection)
    if missing and any(getattr(connection, name) is not None for name in CREDENTIALS):
        lacking = " and ".join(name.replace("api_", "API ") for name in missing)
        sentences.append(f"It lacks {lacking}.")
    return _Read(path.name, connection.name, connection.exchange, connection, advice=tuple(sentences))


def _record(connection: Connection) -> dict[str, Any]:
    record = as_json(connection)
    record["extra"] = redact(record["extra"], Finder(()))
    return record


def _refused(what: str, why: str) -> InputError:
    return InputError(f"{what} {why}. Nothing was imported.", "Choose another file.", category=Category.BAD_FILE)


def _of_that_file(error: OSError, path: Path) -> Problem:
    """Say it of a file that a person named: another data folder would not help."""
    problem = diagnose(error, where=str(path), path=path)
    if problem.category is not Category.CANT_OPEN:
        return problem
    return problem._replace(solution="Check its name and folder, and that this user may read and write there.")


def _holds_something_else(path: Path, folder: Path | None) -> bool:
    """Tell whether an export would replace a file of the program: cts.db named by mistake would be gone."""
    if folder is None or not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        return False
    try:
        value = load_json(read_capped(path, FILE_LIMIT), name=path.name)
    except (StoreError, OSError):
        return True
    return not isinstance(value, dict) or value.get("format") != EXPORT_FORMAT
