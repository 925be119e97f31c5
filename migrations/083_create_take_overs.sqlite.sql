-- What came over from CTS v3.1 folders, and which old id became which connection.
CREATE TABLE IF NOT EXISTS take_overs (
    id TEXT PRIMARY KEY NOT NULL,
    taken_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    source TEXT NOT NULL,
    report TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS taken_over_ids (
    source TEXT NOT NULL,
    legacy_id TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    UNIQUE (source, legacy_id)
);

CREATE INDEX IF NOT EXISTS ix_taken_over_ids_connection ON taken_over_ids (connection_id);
