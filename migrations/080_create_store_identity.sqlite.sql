-- One row that tells this database from every other: the fence against replaying changes into a different one.
CREATE TABLE IF NOT EXISTS store_identity (
    "only" INTEGER PRIMARY KEY NOT NULL DEFAULT 1 CHECK ("only" = 1),
    database_id TEXT NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 1 CHECK (epoch >= 1),
    created_at TIMESTAMPTZ NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

INSERT INTO store_identity ("only", database_id)
SELECT 1, substr(hex, 1, 8) || '-' || substr(hex, 9, 4) || '-4' || substr(hex, 14, 3) || '-a' || substr(hex, 18, 3)
    || '-' || substr(hex, 21, 12)
FROM (SELECT lower(hex(randomblob(16))) AS hex)
WHERE NOT EXISTS (SELECT 1 FROM store_identity);
