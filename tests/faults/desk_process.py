"""Desktops as processes of their own, killed with SIGKILL and started anew in milliseconds.

`python -m tests.faults.desk_process SOCKET` imports the program once and forks a desk for each who connects. A desk is
told what to do by (word, *given). Before it writes it says what it is about to do, so that even a write in whose middle
it is killed can be judged.
"""

import gc
import importlib
import os
import pkgutil
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import storage
from models.change import Choice
from models.connection import CREDENTIALS, Connection, Environment
from models.problem import StoreError
from models.secret import SealedSecret, Secret
from models.status import StoreState
from storage.atomic_file import FileCalls
from storage.connection_codec import decode
from storage.envelope import Kdf
from storage.json_store.record_file import full_row
from storage.migrator import runner
from tests.desks import Seat
from tests.faults.desk_ledger import Facts, Tokens
from tests.store_kit import MIGRATIONS, a_connection


class AtDesk:
    """Somebody at one desk. `say` reports what is about to be written: the record, and the units before and after."""

    def __init__(self, pipe: Pipe, *given: Any) -> None:
        folder, self._name, database, port, user, password = given
        self._pipe = pipe
        self._left = 0
        self._seen: dict[str, Connection] = {}
        self.seat = Seat(
            Path(folder), self._name, database, port, user=user, password=password, hook=lambda _step: self.moment()
        )

    def moment(self) -> None:
        """One of the places at which a power cut differs from one a little later."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def serve(self) -> None:
        self._pipe.send(("done", None))
        while True:
            word, *given = self._pipe.recv()
            try:
                answer = getattr(self, word)(*given)
            except Exception:  # noqa: BLE001 - told where the test is
                self._pipe.send(("failed", traceback.format_exc()))
            else:
                self._pipe.send(("done", answer))

    def begin_anew(self) -> None:
        """Forget every record, as if its folder were a new one: to open a store takes longer than to use it."""
        journal = self.seat.kit.store._journal
        journal.close(0)
        for file in self.seat.kit.folder.connections.iterdir():
            file.unlink()
        journal._records = None
        journal.records.identity = self.seat.kit.store._home.identity()
        self._seen.clear()
        self.seat.settle()

    def die_at(self, moment: int) -> None:
        """Be killed at the moment of that number from now on; 0: never."""
        self._left = moment

    def add(self, name: str, value: str) -> list[str]:
        new = a_connection(name, note=value)
        new = replace(new, **self._keys(new.id, value))
        return self._write("add", new.id, {}, self._facts(new), lambda: self._store.add([new], rename=True))

    def look(self, pick: int) -> None:
        if (record := self._pick(pick)) is not None:
            self._seen[record.id] = record

    def edit(self, pick: int, unit: str, value: str) -> list[str]:
        return self._edit(self._pick(pick), unit, value)

    def edit_what_was_seen(self, pick: int, unit: str, value: str) -> list[str]:
        seen = list(self._seen.values())
        return self._edit(seen[pick % len(seen)] if seen else None, unit, value)

    def remove(self, pick: int) -> list[str]:
        if (record := self._pick(pick)) is None:
            return []
        return self._write("remove", record.id, self._facts(record), {}, lambda: self._store.remove([record.id]))

    def restore(self, pick: int) -> list[str]:
        gone = self.seat.try_to(self._store.deleted)
        if isinstance(gone, StoreError) or not gone:
            return []
        each = gone[pick % len(gone)].id
        return self._write("restore", each, {}, {}, lambda: self._store.restore([each]))

    def resolve(self, pick: int, mine: bool) -> list[str]:
        """Settle one conflict."""
        store = self.seat.kit.store
        found = self.seat.try_to(store.changes)
        if isinstance(found, StoreError) or not found.conflicts:
            return []
        each = found.conflicts[pick % len(found.conflicts)]
        choice = {each.id: Choice.MINE if mine else Choice.THEIRS}
        after = {"conflict": each.id} if mine else {}
        return self._write(
            "resolve", each.connection_id, {}, after, lambda: store.resolve(choice, {each.id: each.seen})
        )

    def settle(self) -> None:
        """Bring it home, as a person does who does not wait."""
        if self.seat.kit.state() is StoreState.FALLBACK:
            self.seat.hurry()
            self.seat.kit.store.retry()
        self.seat.settle()

    def opened(self, tokens: list[tuple[str, Tokens]]) -> list[str]:
        """Return the value of each credentials: their tokens by field, with the record that they are bound to."""
        return [self._opened(record, fields) for record, fields in tokens]

    def everything(self) -> dict[str, Any]:
        """Return what it shows, and what it would show if the server went away now."""
        store = self.seat.kit.store
        records = store._journal.records
        bases = [(row.id, records.base(row.id)) for row in records.rows()]
        mirror = [decode(full_row(each, base)) for each, base in bases if base is not None]
        shown = [self._store.get(row.id) for row in self._store.rows()]
        return {
            "shown": {each.id: (each.revision, self._facts(each)) for each in shown if each is not None},
            "mirror": {each.id: (each.revision, self._facts(each)) for each in mirror},
            "gone": {each.id for each in self._store.deleted()},
            "conflicts": store.status.conflicts,
            "waiting": store.status.waiting,
            "refused": [(each.operation.connection_id, each.problem.text) for each in records.rejected()],
        }

    @property
    def _store(self) -> Any:
        return self.seat.kit.store.repository

    def _pick(self, pick: int) -> Connection | None:
        rows = self.seat.try_to(self._store.rows)
        if isinstance(rows, StoreError) or not rows:
            return None
        found = self.seat.try_to(lambda: self._store.get(rows[pick % len(rows)].id))
        return found if isinstance(found, Connection) else None

    def _edit(self, base: Connection | None, unit: str, value: str) -> list[str]:
        if base is None:
            return []
        changed: dict[str, Any] = {unit: value}
        if unit == "keys":
            changed = self._keys(base.id, value)
        elif unit == "place":
            exchange, environment = value.split("/")
            changed = {"exchange": exchange, "environment": Environment(environment)}
        new = replace(base, **changed)
        return self._write(
            "edit",
            base.id,
            {unit: self._facts(base)[unit]},
            {unit: self._facts(new)[unit]},
            lambda: self._store.update(base, new),
        )

    def _write(self, kind: str, record: str, before: Facts, after: Facts, call: Callable[[], Any]) -> list[str]:
        """Return [record] where the write counts as saved, else nothing."""
        self._pipe.send(("will", kind, record, before, after))
        answer = self.seat.try_to(call)
        if isinstance(answer, StoreError):
            return []
        # What changes nothing, or finds nothing to delete any more, writes nothing: the mirror may be behind then.
        if answer and before != after:
            self._is_kept(kind, record, after)
        return [record]

    def _is_kept(self, kind: str, record: str, after: Facts) -> None:
        """Fail unless the record files tell of the write already: the server may go at any moment."""
        here = self.seat.kit.store._journal.records.get(record)
        if kind == "remove" and here is not None:
            # Somebody edited it at the same time; then it has to be there.
            assert self._store.get(record) is not None, f"{record} is deleted, and its file is not"
        facts = {} if here is None else self._facts(here)
        # A taken name got a number.
        assert all(facts.get(unit) == value for unit, value in after.items() if unit != "name"), (facts, after)

    def _keys(self, record: str, value: str) -> dict[str, Any]:
        """Return credentials of which all three are the same, so that mixed ones show."""
        return {name: self.seat.kit.vault.seal(record, name, Secret(value)) for name in CREDENTIALS}

    def _facts(self, record: Connection) -> Facts:
        return {
            "note": record.note,
            "color": record.color,
            "name": record.name,
            "place": f"{record.exchange}/{record.environment}",
            "keys": self._opened(record.id, {name: getattr(record, name) for name in CREDENTIALS}),
        }

    def _opened(self, record: str, tokens: Tokens) -> str:
        """Return the value that all credentials of a record have; others show as mixed."""
        open_secret = self.seat.kit.vault.open_secret
        parts = {token and open_secret(record, name, SealedSecret(token)).reveal() for name, token in tokens.items()}
        return str(parts.pop()) if len(parts) == 1 else f"mixed {parts}"


def _count_file_calls(moment: Callable[[], None]) -> None:
    """Let a desk be killed before any of its files takes its place, and before any is on the disk."""

    def counted(call: Any) -> Any:
        def first(*given: Any) -> Any:
            moment()
            return call(*given)

        return first

    for name in ("replace", "fsync_folder"):
        setattr(FileCalls, name, counted(getattr(FileCalls, name)))


def _desk(link: socket.socket) -> None:
    pipe = Pipe(link.detach())
    try:
        at_desk = AtDesk(pipe, *pipe.recv())
        _count_file_calls(at_desk.moment)
        at_desk.serve()
    except (EOFError, BrokenPipeError):
        os._exit(0)


def _serve(path: str) -> None:
    # The passphrase's strength is tested elsewhere; the function is the real one.
    setattr(Kdf, "fresh", lambda: Kdf(os.urandom(16), memory_kib=64, passes=1, lanes=1))  # noqa: B010
    for module in pkgutil.walk_packages(storage.__path__, "storage."):
        importlib.import_module(module.name)
    # The same files for all desks: to read them again would be a fifth of a schedule.
    for name in ("read_migrations", "checksums"):
        setattr(runner, name, cache(getattr(runner, name)))
        getattr(runner, name)(MIGRATIONS, "postgresql")
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door, selectors.DefaultSelector() as both:
        door.bind(path)
        door.listen()
        print("ready", flush=True)
        both.register(door, selectors.EVENT_READ)
        both.register(sys.stdin, selectors.EVENT_READ)
        while all(key.fileobj is door for key, _ in both.select()):
            link, _ = door.accept()
            if os.fork() == 0:
                door.close()
                _desk(link)
            link.close()


if __name__ == "__main__":
    _serve(sys.argv[1])
