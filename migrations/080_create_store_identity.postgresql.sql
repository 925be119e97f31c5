-- One row that tells this database from every other: the fence against replaying changes into a different one.
CREATE TABLE IF NOT EXISTS store_identity (
    "only" INTEGER PRIMARY KEY NOT NULL DEFAULT 1 CHECK ("only" = 1),
    database_id TEXT NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 1 CHECK (epoch >= 1),
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);

INSERT INTO store_identity ("only", database_id)
SELECT 1, gen_random_uuid()::text
WHERE NOT EXISTS (SELECT 1 FROM store_identity);
