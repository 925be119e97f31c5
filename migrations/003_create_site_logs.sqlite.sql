-- What the trading side reports, for people; context holds JSON.
CREATE TABLE IF NOT EXISTS site_logs (
    id INTEGER PRIMARY KEY,
    level TEXT NOT NULL DEFAULT 'info',
    category TEXT NOT NULL DEFAULT 'system',
    message TEXT NOT NULL,
    context TEXT NOT NULL DEFAULT '{}',
    user_id TEXT,
    connection_id TEXT,
    error TEXT,
    timestamp TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE INDEX IF NOT EXISTS ix_site_logs_timestamp ON site_logs (timestamp);

CREATE INDEX IF NOT EXISTS ix_site_logs_level_timestamp ON site_logs (level, timestamp);
