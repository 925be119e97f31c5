-- The connections. Credentials hold sealed tokens, never plain secrets; tags and extra hold JSON.
-- Everything but id, name and exchange has a default, so that plain SQL can add a connection.
CREATE TABLE IF NOT EXISTS exchange_connections (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    exchange TEXT NOT NULL,
    account_type TEXT NOT NULL DEFAULT 'spot',
    environment TEXT NOT NULL DEFAULT 'live',
    api_key TEXT,
    api_secret TEXT,
    api_passphrase TEXT,
    margin_type TEXT NOT NULL DEFAULT 'cross',
    position_mode TEXT NOT NULL DEFAULT 'one_way',
    leverage_limit INTEGER,
    volume_factor DOUBLE PRECISION NOT NULL DEFAULT 1.0,
    connection_method TEXT NOT NULL DEFAULT 'rest',
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    active BOOLEAN NOT NULL DEFAULT FALSE,
    live_trade BOOLEAN NOT NULL DEFAULT FALSE,
    preset_trade BOOLEAN NOT NULL DEFAULT FALSE,
    predefined BOOLEAN NOT NULL DEFAULT FALSE,
    tags TEXT NOT NULL DEFAULT '[]',
    color TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    extra TEXT NOT NULL DEFAULT '{}',
    revision INTEGER NOT NULL DEFAULT 1 CHECK (revision >= 1),
    created_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE UNIQUE INDEX IF NOT EXISTS ix_exchange_connections_name ON exchange_connections (name);

CREATE INDEX IF NOT EXISTS ix_exchange_connections_enabled_exchange ON exchange_connections (enabled, exchange);
