"""The JSON side of a store: the mirror while the database is there, the queue while it is not.

It is opened when it is first needed. What another program holds, or cannot be written, is only read.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from models.change import RejectedChange, WaitingChange
from models.connection import CREDENTIALS, Connection
from models.problem import Category, Problem
from storage.applying import AT_ONCE, Outcome
from storage.aside import keep_aside, of_another
from storage.conflicts import NOT_SET, SET
from storage.data_folder import DataFolder
from storage.database_repository import DatabaseRepository
from storage.device import Device
from storage.json_store.json_repository import JsonRepository
from storage.json_store.record_file import Identity
from storage.json_store.record_folder import RecordFolder
from storage.operations import Kind, Operation

MANY: Final = 50
SLICE_SECONDS: Final = 0.25
_log = logging.getLogger(__name__)


class Journal:
    """Records, their repository and the device. `name` is what people call this desktop.

    `owes`: this program has committed more than it mirrored at once.
    """

    def __init__(self, folder: DataFolder, name: str) -> None:
        self._given = folder
        self._folder = folder
        self._only_read = False
        self._name = name
        self._records: RecordFolder | None = None
        self._device: Device | None = None
        self._lock = threading.RLock()
        self._mirroring = threading.Lock()
        self._behind: set[str] = set()
        self.owes = False

    def only_read(self, only: bool) -> None:
        """Leave every file as it is from now on, because another program holds the folder; or no longer."""
        with self._lock:
            if only != self._only_read:
                self._only_read = only
                self._folder = self._given._replace(writable=self._given.writable and not only)
                # What was read while another program wrote is old.
                self._records = self._device = None

    @property
    def records(self) -> RecordFolder:
        with self._lock:
            if self._records is None:
                self._records = records = RecordFolder(self._folder)
                for problem in records.open():
                    _log.warning("%s %s", problem.text, problem.solution)
            return self._records

    def device(self) -> Device:
        with self._lock:
            if self._device is None:
                path = self._folder.root / "device.json"
                self._device = Device(path, self._folder.quarantine, known=self._known, writable=self._folder.writable)
            return self._device

    def repository(self) -> JsonRepository:
        return JsonRepository(self.records, self.device())

    @property
    def is_open(self) -> bool:
        return self._records is not None

    def keep(self, operations: Sequence[Operation], seen: Iterable[Connection] = ()) -> None:
        """Keep operations that did not get through. On the disk when it returns.

        `seen` are the records before: one that another desktop has just made may not be mirrored yet, and a change
        alone would show nothing.
        """
        self.records.mirror([each for each in seen if self.records.state(each.id) is None])
        self.records.record_many(operations)

    def mirror(self, applied: Sequence[tuple[Operation, Outcome]]) -> None:
        """Take over what was just committed; of much, only the ids: `catch_up` reads it again."""
        if not self._folder.writable:
            return
        if len(applied) > MANY:
            with self._lock:
                self._behind.update(operation.connection_id for operation, _ in applied)
                self.owes = True
            return
        gone = [operation.connection_id for operation, outcome in applied if outcome.raw is None]
        records = [record for _, outcome in applied if (record := outcome.record) is not None]
        with self._mirroring:
            self.records.mirror(records, gone)

    def compare(self, mine: Mapping[str, object], theirs: Mapping[str, object]) -> int:
        """Note every record, by id, of which the record files tell another thing than the database; return how many."""
        differ = [each for each, value in theirs.items() if mine.get(each) != value]
        differ += mine.keys() - theirs.keys()
        with self._lock:
            self._behind.update(differ)
        return len(differ)

    def catch_up(self, repository: DatabaseRepository, ids: Iterable[str] = ()) -> None:
        """Mirror what is behind, and `ids`."""
        with self._lock:
            wanted = list({*self._behind, *ids})
        if not wanted or not self._folder.writable:
            return
        until = time.monotonic() + SLICE_SECONDS
        for start in range(0, len(wanted), AT_ONCE):
            if start and time.monotonic() > until:
                # Of many, the rest has its turn later: other desktops' changes must not wait for it.
                with self._lock:
                    self._behind.update(wanted[start:])
                return
            group = wanted[start : start + AT_ONCE]
            # Whoever commits meanwhile mirrors after this, so that the newer one stays.
            with self._mirroring:
                found = list(repository.several(group))
                there = {each.id for each in found}
                gone = [each for each in group if each not in there and self.records.row(each) is not None]
                self.records.mirror(found, gone)
            with self._lock:
                self._behind.difference_update(group)

    @property
    def is_behind(self) -> bool:
        return bool(self._behind)

    @property
    def lag(self) -> int:
        return len(self._behind) + (self._records.mirror_lag if self._records is not None else 0)

    def fence(self, identity: Identity, repository: DatabaseRepository, location: str) -> Problem | None:
        """Return why what waits must not go into this database by itself; None where it may."""
        records = self.records
        if not records.waiting_count:
            return None
        known = [each for each in records.waiting_identities() if each != Identity()]
        others = [each for each in known if each.database_id != identity.database_id]
        count = records.waiting_count
        if others:
            return _question(f"{location} is another database than the one that {_waits(count)} for.", location)
        if any(each.epoch != identity.epoch for each in known):
            return _question(f"A backup was restored into {location} while {_waits(count)} for it.", location)
        revisions = repository.revisions()
        for each in records.waiting_ids():
            base = records.base(each)
            if base is not None and base.deleted_at is None and base.revision > revisions.get(each, base.revision):
                text = f"{location} is older than what it held before: {_waits(count)} for the newer one."
                return _question(text, location)
        return None

    def belongs_to(self, identity: Identity) -> bool:
        """Tell whether the mirror is of this database, or of none yet."""
        return self.records.identity in (Identity(), identity)

    def start_over(self, identity: Identity | None) -> str:
        """Begin the mirror anew for another database, None where it is not made yet; the old files are kept aside.

        What waits stays where it is. Return what a person should read of it.
        """
        records, told = self.records, ""
        if identity is None or records.identity.database_id not in ("", identity.database_id):
            waiting = records.waiting_ids()
            ids = [each for each in records.ids() if each not in waiting]
            records.close()
            if ids:
                told = of_another(ids, keep_aside(self._folder, ids, "connections", move=True))
            with self._lock:
                self._records = None
            records = self.records
        if identity is not None:
            records.identity = identity
        return told

    def rescue(self, identity: Identity, repository: DatabaseRepository) -> int:
        """Put what the mirror has and a rebuilt database lacks, or has older, back into it; return how many records.

        A database that was begun anew has an id that no mirror knows.
        """
        records, revisions = self.records, repository.revisions()
        if revisions and records.identity.database_id != identity.database_id:
            return 0
        rows = records.rows()
        missing = [found for row in rows if row.id not in revisions and (found := records.get(row.id)) is not None]
        older = [row.id for row in rows if revisions.get(row.id, row.revision) < row.revision]
        gone = [each.id for each in records.deleted() if each.id in revisions]
        repository.add(missing, rename=True)
        for each in older:
            base, new = repository.get(each), records.get(each)
            if base is not None and new is not None:
                repository.update(base, new)
        repository.remove(gone)
        records.identity = identity
        return len(missing) + len(older)

    def rejected(self) -> tuple[RejectedChange, ...]:
        refused = self.records.rejected()
        names = _names(self.records) if refused else {}
        return tuple(
            RejectedChange(
                each.operation.op_id,
                each.operation.connection_id,
                _name(each.operation, names),
                each.operation.kind.value,
                _fields(each.operation),
                each.operation.made_at,
                each.problem,
                _told(each.operation),
            )
            for each in refused
        )

    def waiting(self, causes: Mapping[str, Problem]) -> tuple[WaitingChange, ...]:
        """Return what waits; `causes`, by op_id, say why where the database itself is there."""
        names = _names(self.records)
        return tuple(
            WaitingChange(
                each.op_id,
                each.connection_id,
                _name(each, names),
                each.kind.value,
                _fields(each),
                each.made_at,
                each.device,
                each.sequence,
                causes.get(each.op_id),
            )
            for each in self.records.waiting()
        )

    def close(self, patience: float = 1.0) -> None:
        with self._lock:
            if self._records is not None:
                self._records.close(patience)

    def _known(self) -> tuple[str, int]:
        waiting = self.records.waiting()
        if waiting:
            return waiting[-1].device, waiting[-1].sequence
        # The name is for people, the rest tells two data folders on one computer apart.
        return f"{self._name} {uuid.uuid4().hex[:6]}", 0


def _question(text: str, location: str) -> Problem:
    server = location.startswith("postgresql:")
    otherwise = "correct the address of the database" if server else "put the right file in its place"
    return Problem(
        Category.FENCE,
        f"{text} Nothing of it was sent.",
        f"Choose “Send them here” on the Database page if this is the right database; otherwise {otherwise}.",
        by_command=f"Use `changes accept-database --yes` if this is the right database; otherwise {otherwise}.",
    )


def _waits(count: int) -> str:
    return "1 change waits" if count == 1 else f"{count:,} changes wait"


def _names(records: RecordFolder) -> dict[str, str]:
    """Return the names of all records by id: a change of a deleted one is shown by its name too."""
    return {each.id: each.name for each in records.deleted()} | {row.id: row.name for row in records.rows()}


def _name(operation: Operation, names: dict[str, str]) -> str:
    known = names.get(operation.connection_id) or operation.changes.get("name") or operation.base.get("name")
    return str(known or operation.connection_id)


_IN_JSON = {"tags", "extra"}


def _told(operation: Operation) -> dict[str, Any]:
    """Return what it would have stored, as a person may see it."""
    told = dict(operation.changes)
    for name in set(CREDENTIALS) & told.keys():
        told[name] = SET if told[name] else NOT_SET
    for name in _IN_JSON & told.keys():
        if isinstance(told[name], str):
            told[name] = json.loads(told[name])
    return told


def _fields(operation: Operation) -> tuple[str, ...]:
    return () if operation.kind is Kind.ADD else tuple(operation.changes)
