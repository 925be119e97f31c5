-- What each connection's engine has done lately, and the symbols that wait for their turn.
CREATE TABLE IF NOT EXISTS trade_engine_coordination (
    connection_id TEXT PRIMARY KEY NOT NULL,
    symbols_processed BIGINT NOT NULL DEFAULT 0,
    indications_calculated BIGINT NOT NULL DEFAULT 0,
    strategies_evaluated BIGINT NOT NULL DEFAULT 0,
    positions_created BIGINT NOT NULL DEFAULT 0,
    average_milliseconds DOUBLE PRECISION NOT NULL DEFAULT 0,
    last_activity_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE INDEX IF NOT EXISTS ix_trade_engine_coordination_activity ON trade_engine_coordination (last_activity_at);

CREATE TABLE IF NOT EXISTS symbol_processing_queue (
    id INTEGER PRIMARY KEY,
    connection_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    priority INTEGER NOT NULL DEFAULT 5,
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    queued_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    error TEXT,
    retries INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0)
);

CREATE INDEX IF NOT EXISTS ix_symbol_processing_queue_next
    ON symbol_processing_queue (connection_id, status, priority, queued_at);

CREATE INDEX IF NOT EXISTS ix_symbol_processing_queue_symbol ON symbol_processing_queue (symbol, status);

-- A symbol of a connection waits once.
CREATE UNIQUE INDEX IF NOT EXISTS ix_symbol_processing_queue_waiting
    ON symbol_processing_queue (connection_id, symbol)
    WHERE status = 'pending';
