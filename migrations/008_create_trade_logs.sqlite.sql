-- Every order and what became of it; data holds JSON.
CREATE TABLE IF NOT EXISTS trade_logs (
    id INTEGER PRIMARY KEY,
    connection_id TEXT NOT NULL,
    position_id TEXT,
    symbol TEXT NOT NULL,
    action TEXT NOT NULL,
    side TEXT,
    price DOUBLE PRECISION,
    quantity DOUBLE PRECISION,
    profit_loss DOUBLE PRECISION,
    fee DOUBLE PRECISION,
    success BOOLEAN NOT NULL DEFAULT TRUE,
    message TEXT NOT NULL DEFAULT '',
    data TEXT NOT NULL DEFAULT '{}',
    timestamp TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
