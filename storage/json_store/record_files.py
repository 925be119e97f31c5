"""Every record file of a folder with a summary of each in memory; no call leaves the two telling different things."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from models.problem import Category, Problem, StoreError
from storage.atomic_file import RECORD_LIMIT, SYSTEM, FileCalls, backup_of, fsync_folder, write_group
from storage.connection_codec import now, stamp_text
from storage.data_folder import DataFolder
from storage.diagnosis import diagnose, problem_for
from storage.json_store.index import NO_FILE, Summary, signature, summary_of, write_index
from storage.json_store.names import INDEX_NAME, file_name
from storage.json_store.record_file import Identity, Record, StoredRecord, dump_record
from storage.json_store.room import make_room, make_room_for_index
from storage.json_store.scan import read_or_recover, scan
from storage.list_rows import collector_paused

TOMBSTONE_DAYS: Final = 90
QUIET_SECONDS: Final = 2.0
LATEST_SECONDS: Final = 30.0
"""The index is written when nothing has changed for the first, or at the latest after the second."""

_TEXTS_KEPT: Final = 64
_OF_ONE_RECORD = {Category.BAD_FILE, Category.DATA}
_log = logging.getLogger(__name__)


class RecordFiles:
    """Reads and writes records under one lock. `problems` tells what was found wrong, `changed` is called at a change.

    `summaries` is by id; `identity` is the database that is mirrored from now on.
    """

    def __init__(self, folder: DataFolder, *, calls: FileCalls = SYSTEM) -> None:
        self.lock = threading.RLock()
        self.identity = Identity()
        self.problems: list[Problem] = []
        self.summaries: dict[str, Summary] = {}
        self.changed: Callable[[], None] = lambda: None
        self.version = 0
        self._folder = folder
        self._calls = calls
        # Records whose content is in memory: something waits, was refused, or is not in its file yet.
        self._held: dict[str, Record] = {}
        self._unwritten: dict[str, None] = {}
        self._texts = _Texts()
        self._unsettled: tuple[int, dict[str, Summary]] = (-1, {})
        self._dirty_since: float | None = None
        self._dirty_at = 0.0

    def load(self) -> None:
        """Sweep up after kills and find every record, from the index where it is true. Never raises: see `problems`."""
        with self.lock:
            self._held.clear()
            self._unwritten.clear()
            self.version += 1
            try:
                found = scan(self._folder, calls=self._calls)
            except StoreError as error:
                self.summaries, self.problems = {}, [error.problem]
                return
            self.summaries, self.problems, self.identity = found.summaries, found.problems, found.identity
            if self._folder.writable:
                with suppress(OSError):
                    self._forget(_too_old(self.summaries))
                if not found.index_is_true:
                    self._note_change()

    @property
    def unwritten_count(self) -> int:
        return len(self._unwritten)

    @property
    def unsettled(self) -> dict[str, Summary]:
        """The records with something that waits or was refused: found once, however often the status is asked."""
        with self.lock:
            version, found = self._unsettled
            if version != self.version:
                found = {
                    each: summary for each, summary in self.summaries.items() if summary.waiting or summary.rejected
                }
                self._unsettled = (self.version, found)
            return found

    def read(self, connection_id: str) -> Record | None:
        """Return a record in full, a deleted one too. Raises StoreError where its file cannot be read any more."""
        with self.lock:
            held = self._held.get(connection_id)
            if held is not None or connection_id not in self.summaries:
                return held
            return self._reload(connection_id)

    def held(self, wanted: Callable[[Summary], bool]) -> list[Record]:
        """Return, in full, the unsettled that are `wanted`; one that cannot be read is told in `problems`."""
        found = []
        with self.lock, collector_paused():
            for each in [each for each, summary in self.unsettled.items() if wanted(summary)]:
                with suppress(StoreError):
                    record = self.read(each)
                    if record is not None:
                        self._held[each] = record
                        found.append(record)
        return found

    def save(self, records: Sequence[Record]) -> None:
        """Write all of them or, with StoreError, none. A record of which nothing is left loses its file."""
        with self.lock:
            if not self._folder.writable:
                raise StoreError(problem_for("NOT_WRITABLE.folder", where=str(self._folder.connections)))
            kept = [each for each in records if each.base or each.pending or each.rejected]
            texts = [self._texts.take(each) for each in kept]
            try:
                self._write(kept, [content for content, _ in texts])
                staying = {each.id for each in kept}
                self._forget([each.id for each in records if each.id in self.summaries and each.id not in staying])
            except OSError as error:
                self._look_again([each.id for each in records])
                where = str(self._folder.connections)
                raise StoreError(diagnose(error, where=where, path=self._folder.connections)) from error
            for record, (_, digest) in zip(kept, texts, strict=True):
                self._note(record, digest)
            self._note_change()

    def expect(self, bases: Iterable[tuple[str, StoredRecord | None]]) -> None:
        """Take over what the database has (None: it deleted the record), to be written soon, where nothing waits."""
        with self.lock, collector_paused():
            for each, base in bases:
                summary = self.summaries.get(each)
                if not self._folder.writable or (summary is not None and summary.waiting):
                    continue
                record = self._expected(each, base, summary)
                if record is not None:
                    self._hold(record, summary)

    def write_some(self, count: int) -> int:
        """Write up to `count` of what the mirror expects; return how many. Raises StoreError.

        A record whose file has to stay as it is, is told once and no longer expected: the others must not wait for it.
        """
        with self.lock:
            ids = list(islice(self._unwritten, count))
            if not ids:
                return 0
            try:
                self.save([self._held[each] for each in ids])
            except StoreError as error:
                if error.problem.category not in _OF_ONE_RECORD:
                    raise
                if len(ids) == 1:
                    self.problems.append(error.problem)
                    self._unwritten.pop(ids[0], None)
                    self._held.pop(ids[0], None)
                else:
                    for _ in ids:
                        self.write_some(1)
            return len(ids)

    def index_due_in(self) -> float | None:
        """Return in how many seconds the index should be written, None where it is true."""
        with self.lock:
            if self._dirty_since is None:
                return None
            return min(self._dirty_at + QUIET_SECONDS, self._dirty_since + LATEST_SECONDS) - time.monotonic()

    def write_index(self) -> bool:
        """Write the index if it is not true any more; False where the disk refuses, which costs time and no data."""
        with self.lock:
            if self._dirty_since is None or not self._folder.writable:
                return True
            written_ns = time.time_ns()
            summaries = [summary for each, summary in self.summaries.items() if each not in self._unwritten]
            self._dirty_since = None
        path = self._folder.connections / INDEX_NAME
        try:
            make_room_for_index(path, self._folder)
            write_index(path, self.identity, summaries, written_ns, calls=self._calls)
        except (OSError, StoreError, ValueError) as error:
            _log.warning("The index of data/connections was not written: %s", diagnose(error, where=path.name).text)
            with self.lock:
                self._dirty_since = self._dirty_at = time.monotonic()
            return False
        return True

    def _write(self, records: Sequence[Record], contents: Sequence[bytes]) -> None:
        paths = [_path(self._folder, each.id) for each in records]
        for record, path in zip(records, paths, strict=True):
            summary = self.summaries.get(record.id)
            make_room(path, None if summary is None else summary.signature, self._folder)
        write_group(list(zip(paths, contents, strict=True)), calls=self._calls)

    def _expected(self, each: str, base: StoredRecord | None, summary: Summary | None) -> Record | None:
        """Return the record as the database has it, None where nothing is known of it or it cannot be read."""
        rejected = base is None or (summary is not None and summary.rejected)
        if not rejected:
            return Record(each, self.identity, base)
        try:
            old = self.read(each)
        except StoreError:
            old = None
        if base is None:
            state = None if old is None else old.state
            if state is None or state.deleted_at is not None:
                return None
            base = state._replace(deleted_at=stamp_text(now()))
        return Record(each, self.identity, base, (), () if old is None else old.rejected)

    def _hold(self, record: Record, summary: Summary | None) -> None:
        """Show the record as it will be, and remember to write it, unless its file says the same already."""
        content, digest = dump_record(record)
        before = summary or Summary(NO_FILE, "", None)
        self.summaries[record.id] = summary_of(record, before.digest, before.signature)
        if digest == before.digest:
            self._unwritten.pop(record.id, None)
            self._held.pop(record.id, None)
        else:
            self._held[record.id] = record
            self._unwritten[record.id] = None
            self._texts.keep(record, content, digest)
        self.version += 1

    def _note(self, record: Record, digest: str) -> None:
        try:
            looks = signature(os.lstat(_path(self._folder, record.id)))
        except OSError:
            looks = NO_FILE
        self.summaries[record.id] = summary_of(record, digest, looks)
        self._unwritten.pop(record.id, None)
        if record.pending or record.rejected:
            self._held[record.id] = record
        else:
            self._held.pop(record.id, None)

    def _note_change(self) -> None:
        self.version += 1
        self._dirty_at = time.monotonic()
        if self._dirty_since is None:
            self._dirty_since = self._dirty_at
        self.changed()

    def _reload(self, connection_id: str) -> Record | None:
        """Read a file again. What is gone, or damaged beyond help, is no longer listed."""
        path = Path(_path(self._folder, connection_id))
        try:
            record, digest, problem = read_or_recover(path, self._folder, calls=self._calls)
        except FileNotFoundError:
            self._drop(connection_id)
            return None
        except StoreError as error:
            self.problems.append(error.problem)
            if error.problem.category is Category.BAD_FILE:
                self._drop(connection_id)
            raise
        if problem is not None:
            self.problems.append(problem)
        before = self.summaries[connection_id].digest
        self._note(record, digest)
        if digest != before:
            self._note_change()
        return record

    def _look_again(self, ids: Sequence[str]) -> None:
        """After a failed write: memory tells what the disk holds, whichever that is."""
        for each in ids:
            if each in self._unwritten or not (each in self.summaries or os.path.lexists(_path(self._folder, each))):
                continue
            self.summaries.setdefault(each, Summary(NO_FILE, "", None))
            self._held.pop(each, None)
            with suppress(StoreError):
                self._reload(each)

    def _forget(self, ids: Sequence[str]) -> None:
        for each in ids:
            path = Path(_path(self._folder, each))
            # The copy first: one that stayed behind alone would mean nothing to anybody.
            backup_of(path).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            self._drop(each)
        if ids:
            fsync_folder(self._folder.connections)

    def _drop(self, connection_id: str) -> None:
        self.summaries.pop(connection_id, None)
        self._held.pop(connection_id, None)
        self._unwritten.pop(connection_id, None)
        self._note_change()


def _path(folder: DataFolder, connection_id: str) -> str:
    """Return where a record is, as text: a Path for each would cost more than its digest."""
    return f"{folder.connections}{os.sep}{file_name(connection_id)}"


def _too_old(summaries: Mapping[str, Summary]) -> list[str]:
    before = stamp_text(now() - timedelta(days=TOMBSTONE_DAYS))
    return [
        each
        for each, summary in summaries.items()
        if summary.deleted_at and summary.deleted_at < before and not summary.waiting and not summary.rejected
    ]


class _Texts:
    """Texts that were made to compare a few records with their files, for the writing that follows at once."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Record, bytes, str]] = {}

    def keep(self, record: Record, content: bytes, digest: str) -> None:
        if len(self._kept) >= _TEXTS_KEPT:
            self._kept.clear()
        self._kept[record.id] = (record, content, digest)

    def take(self, record: Record) -> tuple[bytes, str]:
        """Return the text of a record and its digest. Raises StoreError where it cannot be one that is read back."""
        known, content, digest = self._kept.pop(record.id, (None, b"", ""))
        if known is not record:
            try:
                content, digest = dump_record(record)
            except (ValueError, TypeError, OverflowError) as error:
                raise StoreError(diagnose(error, where="data/connections")) from error
        if len(content) > RECORD_LIMIT:
            raise StoreError(_too_much(len(record.pending)))
        return content, digest


def _too_much(waiting: int) -> Problem:
    return Problem(
        Category.DATA,
        f"The connection with its {waiting:,} waiting changes takes more than {RECORD_LIMIT:,} bytes.",
        "Shorten its note, or wait until the database is back.",
    )
