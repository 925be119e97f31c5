-- How each preset did on each symbol; configuration holds JSON.
CREATE TABLE IF NOT EXISTS preset_coordination_results (
    id TEXT PRIMARY KEY NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    connection_id TEXT NOT NULL,
    preset_id TEXT NOT NULL,
    preset_type_id TEXT,
    symbol TEXT NOT NULL,
    indication_type TEXT,
    configuration TEXT NOT NULL DEFAULT '{}',
    profit_factor DOUBLE PRECISION NOT NULL DEFAULT 0,
    win_rate DOUBLE PRECISION NOT NULL DEFAULT 0,
    total_trades INTEGER NOT NULL DEFAULT 0,
    max_drawdown DOUBLE PRECISION NOT NULL DEFAULT 0,
    valid BOOLEAN NOT NULL DEFAULT FALSE,
    validated_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
