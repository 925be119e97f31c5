"""What was taken over, as the database remembers it: reports, old ids, and the digests of files already read."""

import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from models.status import Skipped, TakeOver
from storage.connection_codec import stamp_text


class Kept(NamedTuple):
    """One stored report: its row's id, the report, and what the JSON files held then (name to digest)."""

    id: str
    report: TakeOver
    files: dict[str, str]


def has_table(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'take_overs'")
    return found.fetchone() is not None


def read_kept(connection: sqlite3.Connection) -> list[Kept]:
    """Return every report, oldest first; what somebody else wrote there and makes no sense is passed over."""
    if not has_table(connection):
        return []
    kept = []
    for row in connection.execute("SELECT id, taken_at, source, report FROM take_overs ORDER BY taken_at, id"):
        identity, taken_at, source, text = (str(value) for value in row)
        try:
            kept.append(_decode(identity, taken_at, source, json.loads(text)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
    return kept


def known_files(kept: list[Kept]) -> dict[str, str]:
    return {name: digest for one in kept for name, digest in one.files.items()}


def together(kept: list[Kept]) -> TakeOver | None:
    """Return all take-overs of this folder as one report, None if there were none."""
    if not kept:
        return None
    reports = [one.report for one in kept]
    first = reports[0]
    return TakeOver(
        taken_at=first.taken_at,
        source="; ".join(dict.fromkeys(report.source for report in reports)),
        connections=sum(report.connections for report in reports),
        tables={name: count for report in reports for name, count in report.tables.items()},
        renamed=tuple(pair for report in reports for pair in report.renamed),
        skipped=_once([report.skipped for report in reports]),
        plaintext=tuple(dict.fromkeys(place for report in reports for place in report.plaintext)),
        backup=next((report.backup for report in reports if report.backup), ""),
        repaired=_once([report.repaired for report in reports]),
    )


def _once(lists: Sequence[Sequence[Skipped]]) -> tuple[Skipped, ...]:
    """Say again only what a later report adds; two records of one name in one report are two."""
    result: list[Skipped] = []
    for each in lists:
        known = set(result)
        result += [one for one in each if one not in known]
    return tuple(result)


def add(connection: sqlite3.Connection, report: TakeOver, files: Mapping[str, str]) -> None:
    connection.execute(
        "INSERT INTO take_overs (id, taken_at, source, report) VALUES (?, ?, ?, ?)",
        (str(uuid.uuid4()), report.taken_at, report.source, _encode(report, files)),
    )


def replace(connection: sqlite3.Connection, kept: Kept) -> None:
    connection.execute("UPDATE take_overs SET report = ? WHERE id = ?", (_encode(kept.report, kept.files), kept.id))


def now() -> str:
    return stamp_text(datetime.now(UTC))


def _encode(report: TakeOver, files: Mapping[str, str]) -> str:
    value = {
        "connections": report.connections,
        "tables": report.tables,
        "renamed": report.renamed,
        "skipped": report.skipped,
        "repaired": report.repaired,
        "plaintext": report.plaintext,
        "backup": report.backup,
        "files": dict(files),
    }
    return json.dumps(value, ensure_ascii=False)


def _decode(identity: str, taken_at: str, source: str, value: dict[str, Any]) -> Kept:
    report = TakeOver(
        taken_at=taken_at,
        source=source,
        connections=int(value["connections"]),
        tables={str(name): int(count) for name, count in value.get("tables", {}).items()},
        renamed=tuple((str(old), str(new)) for old, new in value.get("renamed", ())),
        skipped=tuple(Skipped(str(what), str(why)) for what, why in value.get("skipped", ())),
        plaintext=tuple(str(place) for place in value.get("plaintext", ())),
        backup=str(value.get("backup", "")),
        repaired=tuple(Skipped(str(what), str(why)) for what, why in value.get("repaired", ())),
    )
    return Kept(identity, report, {str(name): str(digest) for name, digest in value.get("files", {}).items()})
