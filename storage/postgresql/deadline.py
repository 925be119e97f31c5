"""Every wait on a PostgreSQL server has an end: psycopg2's wait callback with a deadline.

It is the only thing that ends a call on a server that is stopped but whose sockets are open; keepalives and
statement_timeout both need somebody at the other end. `connection.cancel()` is no way out: it holds the GIL.
"""

import select
import threading
import time
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


def install() -> None:
    """Make all psycopg2 connections of this process wait with a deadline. Harmless when called again."""
    set_wait_callback(_wait)


def _wait(waiting: connection) -> None:
    moment: float | None = getattr(_until, "moment", None)
    deadline = time.monotonic() + CALL_SECONDS if moment is None else moment
    while True:
        state = waiting.poll()
        if state == POLL_OK:
            return
        if state not in {POLL_READ, POLL_WRITE}:
            raise psycopg2.OperationalError(f"poll() answered {state}")
        wait_for_socket(waiting.fileno(), state, deadline)


def wait_for_socket(socket: int, state: int, deadline: float) -> None:
    """Wait until a socket can be read or written, as `state` asks; DeadlineError at the monotonic `deadline`."""
    # poll() rather than select(): a desktop with many open files has descriptors above select's 1,024.
    left = deadline - time.monotonic()
    if left > 0:
        poller = select.poll() if hasattr(select, "poll") else None
        if poller is not None:
            poller.register(socket, select.POLLIN if state == POLL_READ else select.POLLOUT)
            ready = bool(poller.poll(left * 1000))
        else:
            reading, writing = ([socket], []) if state == POLL_READ else ([], [socket])
            ready = any(select.select(reading, writing, [], left))
        if ready:
            return
    raise DeadlineError("the deadline passed")
