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
    noted_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX IF NOT EXISTS ix_conflicts_connection ON conflicts (connection_id);

-- Every desktop hears of a conflict, and of its end, as of a change of the connection.
CREATE OR REPLACE FUNCTION cts_notify_conflicts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cts_connections', json_build_array(COALESCE(NEW.connection_id, OLD.connection_id))::text);
    RETURN NULL;
END
$$;

DROP TRIGGER IF EXISTS cts_conflict_changed ON conflicts;

CREATE TRIGGER cts_conflict_changed AFTER INSERT OR UPDATE OR DELETE ON conflicts
FOR EACH ROW EXECUTE FUNCTION cts_notify_conflicts();
