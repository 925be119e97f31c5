-- Every indication that was calculated, and the last state of each kind by symbol.
CREATE TABLE IF NOT EXISTS indications (
    id INTEGER PRIMARY KEY,
    connection_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    indication_type TEXT NOT NULL CHECK (indication_type IN ('direction', 'move', 'active', 'optimal', 'auto')),
    mode TEXT NOT NULL DEFAULT 'main' CHECK (mode IN ('main', 'preset')),
    indication_range INTEGER,
    direction TEXT CHECK (direction IN ('long', 'short')),
    value DOUBLE PRECISION NOT NULL DEFAULT 0,
    confidence DOUBLE PRECISION NOT NULL DEFAULT 0,
    profit_factor DOUBLE PRECISION NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL DEFAULT '{}',
    calculated_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE TABLE IF NOT EXISTS indication_states (
    id INTEGER PRIMARY KEY,
    connection_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    indication_type TEXT NOT NULL CHECK (indication_type IN ('direction', 'move', 'active', 'optimal', 'auto')),
    indication_range INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'evaluating',
    value DOUBLE PRECISION NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL DEFAULT '{}',
    valid_until TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
