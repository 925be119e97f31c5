"""What the program says about itself: store, migrations, start-up, take-over. Values for the window."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from models.problem import Problem


class Backend(StrEnum):
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    JSON = "json"


class StoreState(StrEnum):
    ONLINE = "online"
    FALLBACK = "fallback"
    RECONCILING = "reconciling"
    READ_ONLY = "read_only"


class StoreStatus(NamedTuple):
    """The store now. `location` is a path or a URL with its password masked; `temporary`: it will be lost.

    `problem` is why it is not simply online; `size_bytes`, `engine_version`, `schema` are None or 0 until known.
    On fallback `backend` is json, and `home` the database that it stands in for; `retry_in` are the seconds to the next
    try, None where none comes by itself; `trying`: one is under way. `waiting`, `rejected` and `conflicts` are counts.
    """

    backend: Backend
    state: StoreState
    location: str
    temporary: bool = False
    problem: Problem | None = None
    waiting: int = 0
    size_bytes: int | None = None
    engine_version: str = ""
    journal_mode: str = ""
    integrity: str = ""
    schema: int = 0
    home: str = ""
    retry_in: float | None = None
    trying: bool = False
    rejected: int = 0
    conflicts: int = 0


class VaultStatus(NamedTuple):
    """Where the data key is. `holder` is keyring, passphrase, file or none; `locked`: secrets cannot be opened now."""

    holder: str
    locked: bool
    sentence: str


class MigrationState(StrEnum):
    PENDING = "pending"
    APPLIED = "applied"
    CHANGED = "changed"
    MISSING = "missing"
    FAILED = "failed"
    OUT_OF_ORDER = "out of order"
    FUTURE = "future"
    BASELINE = "baseline"


class MigrationItem(NamedTuple):
    """One migration and its state. `sentence` explains the state, `action` is the one safe thing to do, or ""."""

    number: int
    name: str
    state: MigrationState
    applied_at: str | None
    milliseconds: int | None
    sentence: str = ""
    action: str = ""
    problem: Problem | None = None


class MigrationCount(NamedTuple):
    applied: int
    total: int


_NOT_THERE = {MigrationState.PENDING, MigrationState.FAILED, MigrationState.OUT_OF_ORDER}


def count_migrations(items: Sequence[MigrationItem]) -> MigrationCount:
    """Return how many the database has, of how many that it or the files name; a changed or missing file is had."""
    return MigrationCount(sum(item.state not in _NOT_THERE for item in items), len(items))


class Rehearsal(NamedTuple):
    """One migration as tried on a copy or in a transaction that was rolled back. Counts are rows by table.

    `note` tells what a rollback does not take back.
    """

    number: int
    name: str
    sql: str
    milliseconds: int
    rows_before: dict[str, int]
    rows_after: dict[str, int]
    problem: Problem | None = None
    note: str = ""


class LedgerChange(NamedTuple):
    """One line that repair would change in the ledger."""

    number: int
    name: str
    sentence: str


class StartupStep(NamedTuple):
    """One step of the start: its word, whether it went well, how long it took, what it found."""

    step: str
    ok: bool
    milliseconds: int
    detail: str
    problem: Problem | None = None


KEPT_RECORDS: Final = "kept-records"
"""The reason of an entry that is no backup, but a folder of records that were kept aside: they can be brought back."""


class Backup(NamedTuple):
    """One verified backup of the database."""

    path: str
    made_at: str
    size_bytes: int
    connections: int
    reason: str


class Skipped(NamedTuple):
    """Something that a take-over or an import left out, and why."""

    what: str
    why: str


NOTHING_TO_TAKE_OVER = "nothing to take over"
"""What the step of the take-over says at every start but the one that takes a CTS v3.1 folder over."""


class TakeOver(NamedTuple):
    """What came over from a CTS v3.1 folder. `renamed` pairs the old and the new name of a connection.

    `repaired` names connections that came over changed, and why. `plaintext` names the places that still hold secrets
    in clear; empty once they are scrubbed.
    """

    taken_at: str
    source: str
    connections: int
    tables: dict[str, int]
    renamed: tuple[tuple[str, str], ...]
    skipped: tuple[Skipped, ...]
    plaintext: tuple[str, ...]
    backup: str = ""
    repaired: tuple[Skipped, ...] = ()


class Scrubbed(NamedTuple):
    """What a scrub removed: the files that it cleaned, how many cells, and how many different secrets in clear."""

    files: tuple[str, ...]
    cells: int
    secrets: int


class ImportItem(NamedTuple):
    """One record of an import. `action` is add, skip or refuse; `name` is the one that it gets.

    `credentials`: it brings some.
    """

    source: str
    name: str
    exchange: str
    action: str
    sentence: str
    advice: tuple[str, ...] = ()
    credentials: bool = False
