"""Rows for the tables that the hot queries read: enough of them that a planner has a reason to use an index."""

from tests.databases import RawDatabase

CONNECTIONS, SYMBOLS = 20, 100
_SYMBOL = f"'S' || (n % {SYMBOLS})"
_CONNECTION = f"'c' || (n / {SYMBOLS} % {CONNECTIONS})"
_STATUS = "CASE WHEN n % 10 = 0 THEN 'open' WHEN n % 97 = 0 THEN 'closing' ELSE 'closed' END"
_SIDE = "CASE WHEN n % 2 = 0 THEN 'long' ELSE 'short' END"
_COMMON = f"{_CONNECTION}, {_SYMBOL}"
Rows = tuple[tuple[str, str, str], ...]


def fill(database: RawDatabase, rows: int) -> None:
    """Put about `rows` rows into every table of the hot queries, in a few statements of the database's own."""
    series = _series(database, rows)
    for table, columns, values in (
        *_readings(_stamp(database)),
        *_positions(_stamp(database)),
        *_engine(_stamp(database)),
    ):
        database.rows(f"INSERT INTO {table} ({columns}) {series} SELECT {values} FROM series")
    database.rows("ANALYZE")


def fill_market_data(database: RawDatabase, rows: int) -> None:
    """Put `rows` more prices into `market_data`."""
    table, columns, values = _readings(_stamp(database))[0]
    database.rows(f"INSERT INTO {table} ({columns}) {_series(database, rows)} SELECT {values} FROM series")
    database.rows("ANALYZE")


def _readings(stamp: str) -> Rows:
    return (
        ("market_data", "connection_id, symbol, timestamp, price", f"{_COMMON}, {stamp}, 1.0 * n"),
        (
            "indications",
            "connection_id, symbol, indication_type, calculated_at, profit_factor",
            f"{_COMMON}, 'active', {stamp}, 0.01 * (n % 100)",
        ),
        ("indication_states", "connection_id, symbol, indication_type, updated_at", f"{_COMMON}, 'active', {stamp}"),
        ("trade_logs", "connection_id, symbol, action, timestamp", f"{_COMMON}, 'open', {stamp}"),
        (
            "preset_coordination_results",
            "connection_id, preset_id, symbol, profit_factor",
            f"{_CONNECTION}, 'p' || n % 7, {_SYMBOL}, 0.01 * (n % 100)",
        ),
    )


def _positions(stamp: str) -> Rows:
    return (
        (
            "pseudo_positions",
            "connection_id, symbol, indication_type, side, entry_price, status, profit_factor, created_at",
            f"{_COMMON}, 'active', {_SIDE}, 1.0, {_STATUS}, 0.01 * (n % 100), {stamp}",
        ),
        (
            "real_pseudo_positions",
            "connection_id, symbol, side, entry_price, status, validated_at",
            f"{_COMMON}, {_SIDE}, 1.0, {_STATUS}, {stamp}",
        ),
        (
            "base_pseudo_positions",
            (
                "connection_id, symbol, indication_range, direction, drawdown_ratio, market_change_range,"
                " last_part_ratio, status"
            ),
            f"{_COMMON}, n, {_SIDE}, 0.2, 3, 1.0, CASE WHEN n % 10 = 0 THEN 'active' ELSE 'paused' END",
        ),
        (
            "active_exchange_positions",
            "connection_id, symbol, side, entry_price, quantity, status, sync_status, opened_at, last_sync_at",
            (
                f"{_COMMON}, {_SIDE}, 1.0, 1.0, {_STATUS},"
                f" CASE WHEN n % 20 = 0 THEN 'pending_update' ELSE 'synced' END, {stamp}, {stamp}"
            ),
        ),
    )


def _engine(stamp: str) -> Rows:
    return (
        (
            "trade_engine_state",
            "connection_id, status, health, updated_at",
            (
                f"'c' || n, CASE WHEN n % 3 = 0 THEN 'running' ELSE 'stopped' END,"
                f" CASE WHEN n % 50 = 0 THEN 'unhealthy' ELSE 'healthy' END, {stamp}"
            ),
        ),
        (
            "symbol_processing_queue",
            "connection_id, symbol, status, priority, queued_at",
            f"{_COMMON}, CASE WHEN n % 20 = 0 THEN 'failed' ELSE 'completed' END, n % 5, {stamp}",
        ),
        (
            "exchange_connections",
            "id, name, exchange, active, enabled",
            "'id' || n, 'name ' || n, 'bybit', n % 50 = 0, n % 2 = 0",
        ),
    )


def _series(database: RawDatabase, rows: int) -> str:
    if database.dialect == "postgresql":
        return f"WITH series AS (SELECT generate_series(1, {rows})::int AS n)"
    return f"WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {rows})"


def _stamp(database: RawDatabase) -> str:
    """One row every ten seconds, back from a moment that stands still."""
    if database.dialect == "postgresql":
        return "TIMESTAMPTZ '2026-01-31T10:00:00Z' - n * INTERVAL '10 seconds'"
    return "strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-31T10:00:00', '-' || (n * 10) || ' seconds')"
