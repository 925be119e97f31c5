-- Changes that two desktops made in the same place: exchange_connections holds theirs, the other waits here until a
-- person chooses. fields is a JSON array, base, mine and theirs are JSON objects of stored values, credentials sealed.
CREATE TABLE IF NOT EXISTS conflicts (
    id TEXT PRIMARY KEY NOT NULL,
    connection_id TEXT NOT NULL,
    name TEXT NOT NULL,
    fields TEXT NOT NULL,
    base TEXT NOT NULL,
    mine TEXT NOT NULL,
    theirs TEXT NOT NULL,
    device TEXT NOT NULL,
    op_id TEXT NOT NULL,
    made_at TEXT NOT NULL,
    noted_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

CREATE INDEX IF NOT EXISTS ix_conflicts_connection ON conflicts (connection_id);
