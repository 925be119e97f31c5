-- What the trade engine of a connection does now.
CREATE TABLE IF NOT EXISTS trade_engine_state (
    connection_id TEXT PRIMARY KEY NOT NULL,
    status TEXT NOT NULL DEFAULT 'stopped' CHECK (status IN ('stopped', 'starting', 'running', 'paused', 'error')),
    mode TEXT NOT NULL DEFAULT 'main' CHECK (mode IN ('main', 'preset')),
    health TEXT NOT NULL DEFAULT 'unknown' CHECK (health IN ('unknown', 'healthy', 'degraded', 'unhealthy')),
    symbols INTEGER NOT NULL DEFAULT 0,
    cycles BIGINT NOT NULL DEFAULT 0,
    cycle_milliseconds DOUBLE PRECISION NOT NULL DEFAULT 0,
    error TEXT,
    started_at TIMESTAMPTZ,
    stopped_at TIMESTAMPTZ,
    last_cycle_at TIMESTAMPTZ,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
