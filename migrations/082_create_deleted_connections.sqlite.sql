-- Deleted connections, which can be restored for 90 days; record is the whole row as JSON, its credentials sealed.
CREATE TABLE IF NOT EXISTS deleted_connections (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    exchange TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    deleted_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE INDEX IF NOT EXISTS ix_deleted_connections_deleted ON deleted_connections (deleted_at);
