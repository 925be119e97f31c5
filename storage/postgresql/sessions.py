"""Where sessions live: slots whose session is replaced when it breaks, and the few readers that threads share."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Final

import peewee as pw
import psycopg2
from psycopg2.extensions import connection

READERS: Final = 3
_WAIT_SECONDS = 10.0


class _Peewee(pw.PostgresqlDatabase):
    """Peewee's database of one session, which our own connect opens."""

    def __init__(self, opening: Callable[[], connection]) -> None:
        self._opening = opening
        super().__init__("postgresql", thread_safe=False)

    def _connect(self) -> connection:
        return self._opening()


class Slot:
    """One session at a time. Only one thread may use it at once."""

    def __init__(self, opening: Callable[[], connection]) -> None:
        self.peewee: pw.PostgresqlDatabase = _Peewee(opening)

    @property
    def is_open(self) -> bool:
        return not self.peewee.is_closed() and not self._session().closed

    def session(self) -> connection:
        """Return the session, a new one if there is none or it is known to be broken. Raises psycopg2's errors."""
        return self._session() if self.is_open else self.renewed()

    def renewed(self) -> connection:
        """Return a new session in the place of the one before: Peewee does not notice that one is gone."""
        self.close()
        try:
            self.peewee.connect()
        except pw.PeeweeException as error:
            raise getattr(error, "orig", None) or psycopg2.OperationalError(type(error).__name__) from error
        return self._session()

    def close(self) -> None:
        with contextlib.suppress(pw.PeeweeException, psycopg2.Error):
            self.peewee.close()

    def _session(self) -> connection:
        session: connection = self.peewee.connection()  # type: ignore[no-untyped-call]
        return session


class Readers:
    """At most `size` reading sessions, opened when they are needed and kept."""

    def __init__(self, opening: Callable[[], connection], size: int = READERS) -> None:
        self.size = size
        self._opening = opening
        self._idle: list[Slot] = []
        self._all: set[Slot] = set()
        self._closed = False
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(size)

    def open_count(self) -> int:
        with self._lock:
            return sum(slot.is_open for slot in self._all)

    @contextlib.contextmanager
    def one(self) -> Iterator[Slot]:
        """Give a slot that no other thread has; wait for one if all are busy."""
        if not self._free.acquire(timeout=_WAIT_SECONDS):
            raise psycopg2.OperationalError("timeout expired: all readers are busy")
        try:
            slot = self._take()
            try:
                yield slot
            finally:
                self._give_back(slot)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close what is idle now, and what is busy when its call has ended."""
        with self._lock:
            self._closed = True
            for slot in self._idle:
                slot.close()

    def _give_back(self, slot: Slot) -> None:
        with self._lock:
            if self._closed:
                slot.close()
            self._idle.append(slot)

    def _take(self) -> Slot:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            slot = Slot(self._opening)
            self._all.add(slot)
            return slot
