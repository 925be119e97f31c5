"""Every wait on a PostgreSQL server has an end: psycopg2's wait callback with a deadline.

It is the only thing that ends a call on a server that is stopped but whose sockets are open; keepalives and
statement_timeout both need somebody at the other end. `connection.cancel()` is no way out: it holds the GIL.
"""

import select
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE, connection, set_wait_callback

CALL_SECONDS = 5.0
CONNECT_SECONDS = 4.0
PROBE_SECONDS = 2.0

_until = threading.local()


class DeadlineError(psycopg2.OperationalError):
    """The server did not answer in time. The connection is of no use any more."""


class StoppedError(psycopg2.OperationalError):
    """The program is closing the database: the wait was ended from another thread."""


class Stop:
    """Ends every wait that watches it, now and from now on. Any thread may set it."""

    def __init__(self) -> None:
        # Sockets and not only an event, because the waits are polls of sockets; detached, so that they live as long
        # as somebody may poll them.
        self._ends = tuple(end.detach() for end in socket.socketpair())
        self._event = threading.Event()
        for end in self._ends:
            weakref.finalize(self, socket.close, end)

    def set(self) -> None:
        if not self._event.is_set():
            self._event.set()
            speaking = socket.socket(fileno=self._ends[1])
            try:
                speaking.send(b"!")
            finally:
                speaking.detach()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep; True, and at once, when it is set."""
        return self._event.wait(seconds)

    def fileno(self) -> int:
        return self._ends[0]


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give every database call of this thread, until the end of the block, one common deadline. An outer one stays."""
    before: float | None = getattr(_until, "moment", None)
    moment = time.monotonic() + seconds
    _until.moment = moment if before is None else min(before, moment)
    try:
        yield
    finally:
        _until.moment = before


@contextmanager
def uncounted() -> Iterator[None]:
    """Move the deadline by what the block takes: waiting for our own turn is no silence of the server."""
    began = time.monotonic()
    try:
        yield
    finally:
        moment: float | None = getattr(_until, "moment", None)
        if moment is not None:
            _until.moment = moment + time.monotonic() - began


@contextmanager
def patient(seconds: float) -> Iterator[None]:
    """Let each database call of this thread take this long: migrations, which build whole tables."""
    before = getattr(_until, "seconds", CALL_SECONDS)
    _until.seconds = seconds
    try:
        yield
    finally:
        _until.seconds = before


@contextmanager
def stoppable(stop: Stop) -> Iterator[None]:
    """Let `stop` end every wait of this thread inside the block."""
    before: Stop | None = getattr(_until, "stop", None)
    _until.stop = stop
    try:
        yield
    finally:
        _until.stop = before


def remaining() -> float:
    """Return the seconds that the next wait of this thread may take."""
    moment: float | None = getattr(_until, "moment", None)
    if moment is None:
        return float(getattr(_until, "seconds", CALL_SECONDS))
    return moment - time.monotonic()


def current_stop() -> Stop | None:
    stop: Stop | None = getattr(_until, "stop", None)
    return stop


def install() -> None:
    """Make all psycopg2 connections of this process wait with a deadline. Harmless when called again."""
    set_wait_callback(_wait)


def _wait(waiting: connection) -> None:
    deadline = time.monotonic() + remaining()
    while True:
        state = waiting.poll()
        if state == POLL_OK:
            return
        if state not in {POLL_READ, POLL_WRITE}:
            raise psycopg2.OperationalError(f"poll() answered {state}")
        wait_for_socket(waiting.fileno(), state, deadline)


def wait_for_socket(descriptor: int, state: int, deadline: float) -> None:
    """Wait until a socket can be read or written, as `state` asks; DeadlineError at the monotonic `deadline`."""
    stop = current_stop()
    if stop is not None and stop.is_set():
        raise StoppedError("the database is being closed")
    left = deadline - time.monotonic()
    ready = _ready(descriptor, state == POLL_READ, stop, left) if left > 0 else False
    if stop is not None and stop.is_set():
        raise StoppedError("the database is being closed")
    if not ready:
        raise DeadlineError("the deadline passed")


def _ready(descriptor: int, reading: bool, stop: Stop | None, seconds: float) -> bool:
    # poll() rather than select(): a desktop with many open files has descriptors above select's 1,024.
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(descriptor, select.POLLIN if reading else select.POLLOUT)
        if stop is not None:
            poller.register(stop.fileno(), select.POLLIN)
        return bool(poller.poll(seconds * 1000))
    read: list[int] = [descriptor] if reading else []
    read += [stop.fileno()] if stop is not None else []
    return any(select.select(read, [] if reading else [descriptor], [], seconds))
