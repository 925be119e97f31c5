-- Every write that took effect, so that none takes effect twice.
CREATE TABLE IF NOT EXISTS applied_operations (
    op_id TEXT PRIMARY KEY NOT NULL,
    device TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    connection_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX IF NOT EXISTS ix_applied_operations_device ON applied_operations (device, sequence);

CREATE INDEX IF NOT EXISTS ix_applied_operations_applied ON applied_operations (applied_at);
