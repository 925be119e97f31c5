"""One session with a PostgreSQL server: hosts tried in turn, deadlines, keepalives, and no session state to rely on.

Nothing is SET for the session, so that a pooler in transaction mode may stand between: every transaction begins with
its own limits (`BEGIN_TEXT`), in the same round trip.
"""

import threading
import time
from typing import Any

import psycopg2
from psycopg2.extensions import connection

from storage.postgresql import deadline
from storage.postgresql.address import Address
from storage.postgresql.names import numbers_of

APPLICATION = "cts-connections"
# Both are needed: keepalives find a peer that vanished while idle, tcp_user_timeout one that vanished mid-send.
_ALIVE = {
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "8000",
    "client_encoding": "UTF8",
}
LIMITS = (
    "SET LOCAL statement_timeout = '4s'; SET LOCAL lock_timeout = '2s'; "
    "SET LOCAL idle_in_transaction_session_timeout = '10s'"
)
BEGIN_TEXT = f"BEGIN; {LIMITS}"
_MIN_SECONDS_A_HOST = 1.0


class Pace:
    """At most one connect a second, whatever flaps. Waits on a monotonic clock."""

    def __init__(self, seconds: float = 1.0, burst: int = 6) -> None:
        self._seconds = seconds
        self._burst = burst
        self._moments: list[float] = []
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return at once for the first connects of a process, later when its turn has come, or when it is stopped."""
        with self._lock:
            now = time.monotonic()
            self._moments = [moment for moment in self._moments if moment > now - self._seconds * self._burst]
            turn = now if len(self._moments) < self._burst else self._moments[0] + self._seconds * self._burst
            self._moments.append(turn)
        stop = deadline.current_stop()
        if turn > now and stop is not None:
            stop.wait(turn - now)
        elif turn > now:
            time.sleep(turn - now)


def connect(address: Address, seconds: float = deadline.CONNECT_SECONDS) -> connection:
    """Open a session within `seconds`; psycopg2's own errors come out, the most telling one where hosts differ.

    libpq tries several hosts by itself, but its connect_timeout has no effect on a connect that is polled, so that a
    silent first host would use up the time of the others. So they are tried one by one here.
    """
    deadline.install()
    wanted = dict(address.options).get("target_session_attrs", "any")
    rounds = ("standby", "any") if wanted == "prefer-standby" else (wanted,)
    a_host = max(seconds / (len(address.hosts) * len(rounds)), min(seconds, _MIN_SECONDS_A_HOST))
    failures: list[psycopg2.Error] = []
    for target in rounds:
        for host, port in address.hosts:
            try:
                return _connect_host(address, host, port, target, a_host)
            except deadline.StoppedError:
                raise
            except psycopg2.Error as error:
                failures.append(error)
    raise min(failures, key=_rank)


def _connect_host(address: Address, host: str, port: int, target: str, seconds: float) -> connection:
    until = time.monotonic() + seconds
    numbers = numbers_of(host, seconds)
    failures: list[psycopg2.Error] = []
    for index, number in enumerate(numbers):
        try:
            with deadline.within((until - time.monotonic()) / (len(numbers) - index)):
                return _connect_one(address, host, number, port, target)
        except deadline.StoppedError:
            raise
        except psycopg2.Error as error:
            failures.append(error)
    raise min(failures, key=_rank)


def _connect_one(address: Address, host: str, number: str, port: int, target: str) -> connection:
    words: dict[str, Any] = {**_ALIVE, "application_name": APPLICATION, **address.keywords()}
    words |= {"host": host, "port": str(port), "target_session_attrs": target}
    if number:
        words["hostaddr"] = number
    session: connection = psycopg2.connect(**words)
    session.autocommit = True
    return session


def _rank(error: psycopg2.Error) -> int:
    """Put what a person can mend (password, certificate) before a host that is down or of the other kind."""
    text = str(error)
    if isinstance(error, deadline.DeadlineError):
        return 2
    if any(part in text for part in ("FATAL", "SSL", "certificate", "no password")):
        return 0
    return 3 if "session is" in text or "server is" in text else 1


def close_sockets(session: connection) -> None:
    """End a session from another thread: its socket is shut down, so that a call stuck on it returns at once."""
    import os
    import socket

    try:
        copied = socket.socket(fileno=os.dup(session.fileno()))
    except (psycopg2.Error, OSError):
        return
    try:
        copied.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
    finally:
        copied.close()
