"""How the database is doing, as the Database page and `status --json` show it."""

from typing import Any, NamedTuple


class HealthReport(NamedTuple):
    """One look at the database. None stands for what could not be asked.

    Latencies are milliseconds of the smallest question, `samples` the recent ones, oldest first. `pool_used` counts
    our own open sessions; `connections_used` those of everybody at the server. `role` is primary, standby or embedded.
    `mirror_lag` counts committed changes that have not reached the record files, `waiting` those for the database.
    """

    latency_p50_ms: float | None
    latency_p95_ms: float | None
    samples: tuple[float, ...]
    size_bytes: int | None
    server_version: str
    pool_used: int
    pool_max: int
    connections_used: int | None
    connections_max: int | None
    role: str
    integrity: str
    mirror_lag: int = 0
    waiting: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return everything but the samples."""
        return {name: value for name, value in self._asdict().items() if name != "samples"}
