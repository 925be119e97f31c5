-- Prices as they came in; kept for the days that system_settings names.
CREATE TABLE IF NOT EXISTS market_data (
    id INTEGER PRIMARY KEY,
    connection_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    time_frame TEXT NOT NULL DEFAULT '1s',
    timestamp TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    price DOUBLE PRECISION NOT NULL,
    open DOUBLE PRECISION,
    high DOUBLE PRECISION,
    low DOUBLE PRECISION,
    close DOUBLE PRECISION,
    volume DOUBLE PRECISION NOT NULL DEFAULT 0
);
