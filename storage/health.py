"""Measures the database: how fast it answers, how big it is, who is connected, what it is in its cluster."""

import os
import threading
import time
from collections import deque
from typing import Final

from models.health import HealthReport
from storage.open_database import OpenDatabase

WINDOW_SECONDS: Final = 600.0
_MOST_SAMPLES = 600
# What goes to the server and back, or to the file, and asks for nothing more.
_SMALLEST = {"sqlite": "PRAGMA schema_version", "postgresql": "SELECT 1"}
_POSTGRESQL = """
SELECT pg_database_size(current_database()), current_setting('server_version'), pg_is_in_recovery(),
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    current_setting('max_connections')::int,
    (SELECT COALESCE(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database())
"""


class Health:
    """Collects latencies, and makes reports of them. Usable from any thread; every call but `samples` may block."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_MOST_SAMPLES)
        self._lock = threading.Lock()

    def measure(self, database: OpenDatabase) -> float:
        """Ask the database the smallest question; returns milliseconds. Raises StoreError."""
        started = time.monotonic()
        with database.read() as statements:
            statements.execute(_SMALLEST[database.dialect]).fetchone()
        ended = time.monotonic()
        with self._lock:
            self._samples.append((ended, (ended - started) * 1000))
        return (ended - started) * 1000

    def samples(self) -> tuple[float, ...]:
        """Return the latencies of the last ten minutes in milliseconds, oldest first."""
        begin = time.monotonic() - WINDOW_SECONDS
        with self._lock:
            return tuple(value for moment, value in self._samples if moment >= begin)

    def report(
        self, database: OpenDatabase, *, integrity: str = "", mirror_lag: int = 0, waiting: int = 0
    ) -> HealthReport:
        """Measure once more and tell everything. `integrity` is what the last check found. Raises StoreError."""
        self.measure(database)
        report = _postgresql(database) if database.dialect == "postgresql" else _sqlite(database)
        samples = self.samples()
        return report._replace(
            latency_p50_ms=percentile(samples, 50),
            latency_p95_ms=percentile(samples, 95),
            samples=samples,
            integrity=integrity or report.integrity,
            mirror_lag=mirror_lag,
            waiting=waiting,
        )


def percentile(values: tuple[float, ...], percent: int) -> float | None:
    """Return the value that `percent` of 100 values do not exceed (nearest rank); None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def check_integrity(database: OpenDatabase) -> str:
    """Read everything there is, because a person asked: "ok", or what is wrong first. May take minutes."""
    if database.dialect == "postgresql":
        return database.quick_check()
    with database.read() as statements:
        found = [str(row[0]) for row in statements.execute("PRAGMA integrity_check(5)").fetchall()]
        broken = statements.execute("PRAGMA foreign_key_check").fetchone()
    if found == ["ok"] and broken is not None:
        return f"a row of {broken[0]} points to one of {broken[2]} that is not there"
    return found[0]


def _sqlite(database: OpenDatabase) -> HealthReport:
    with database.read() as statements:
        version = str(statements.execute("SELECT sqlite_version()").fetchone()[0])
    try:
        size = os.stat(database.location).st_size  # noqa: PTH116 - a location is text
    except OSError:
        size = None
    return HealthReport(None, None, (), size, version, 1, 1, None, None, "embedded", "")


def _postgresql(database: OpenDatabase) -> HealthReport:
    from storage.postgresql.database import PostgresDatabase

    assert isinstance(database, PostgresDatabase)
    with database.read() as statements:
        row = statements.execute(_POSTGRESQL).fetchone()
    assert row is not None
    size, version, standby, used, most, wrong = row
    integrity = f"{wrong:,} pages have a wrong checksum" if wrong else "ok"
    role = "standby" if standby else "primary"
    sessions, all_sessions = database.sessions
    return HealthReport(None, None, (), size, version.split()[0], sessions, all_sessions, used, most, role, integrity)
