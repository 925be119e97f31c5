-- The vault that seals this database's secrets, for every desktop that opens it: one row, empty until somebody set a
-- passphrase. content is JSON: key ids, keys wrapped by passphrase and recovery key, and how; never a key in clear.
-- Whoever changes it names the version that it saw.
CREATE TABLE IF NOT EXISTS vault_keys (
    "only" INTEGER PRIMARY KEY NOT NULL DEFAULT 1 CHECK ("only" = 1),
    vault TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    content TEXT NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
