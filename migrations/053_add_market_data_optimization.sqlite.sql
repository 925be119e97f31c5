-- Market data by connection, symbol and time; how long it is kept; where old rows go; what a clean-up did.
CREATE INDEX IF NOT EXISTS ix_market_data_connection_symbol_timestamp
    ON market_data (connection_id, symbol, timestamp);

-- A value that is there stays: it may be a person's.
INSERT INTO system_settings (key, value, category, description) VALUES
    ('market_data_retention_days', '7', 'retention', 'Days that market data is kept.'),
    ('indication_states_retention_hours', '48', 'retention', 'Hours that indication states are kept.'),
    ('market_data_query_window_minutes', '60', 'retention', 'Minutes that a query of market data looks back.'),
    ('automatic_cleanup_enabled', 'true', 'retention', 'Whether old rows are removed without being asked.'),
    ('automatic_cleanup_interval_hours', '24', 'retention', 'Hours between two clean-ups.')
ON CONFLICT (key) DO NOTHING;

CREATE TABLE IF NOT EXISTS archived_market_data (
    id INTEGER PRIMARY KEY,
    connection_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    time_frame TEXT NOT NULL DEFAULT '1s',
    timestamp TIMESTAMPTZ NOT NULL,
    price DOUBLE PRECISION NOT NULL,
    open DOUBLE PRECISION,
    high DOUBLE PRECISION,
    low DOUBLE PRECISION,
    close DOUBLE PRECISION,
    volume DOUBLE PRECISION NOT NULL DEFAULT 0,
    archived_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE INDEX IF NOT EXISTS ix_archived_market_data_symbol_timestamp
    ON archived_market_data (connection_id, symbol, timestamp);

CREATE TABLE IF NOT EXISTS data_cleanup_log (
    id INTEGER PRIMARY KEY,
    table_name TEXT NOT NULL,
    cleanup_type TEXT NOT NULL DEFAULT 'automatic' CHECK (cleanup_type IN ('automatic', 'manual')),
    rows_deleted BIGINT NOT NULL DEFAULT 0,
    rows_archived BIGINT NOT NULL DEFAULT 0,
    older_than TIMESTAMPTZ,
    duration_milliseconds INTEGER,
    success BOOLEAN NOT NULL DEFAULT TRUE,
    error TEXT,
    executed_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE INDEX IF NOT EXISTS ix_data_cleanup_log_executed ON data_cleanup_log (table_name, executed_at);
