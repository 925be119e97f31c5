-- Tells every desktop that listens which connections changed: ids as a JSON array, or 'many' where they would not fit
-- into a notification. SQLite needs none of it: its data_version tells of changes.
CREATE OR REPLACE FUNCTION cts_notify_connections() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed text[];
    said text := 'many';
BEGIN
    IF TG_OP = 'INSERT' THEN
        changed := ARRAY(SELECT id FROM after_change LIMIT 151);
    ELSIF TG_OP = 'DELETE' THEN
        changed := ARRAY(SELECT id FROM before_change LIMIT 151);
    ELSIF TG_OP = 'UPDATE' THEN
        changed := ARRAY(SELECT id FROM before_change UNION SELECT id FROM after_change LIMIT 151);
    END IF;
    IF cardinality(changed) = 0 THEN
        RETURN NULL;
    END IF;
    IF cardinality(changed) <= 150 AND octet_length(array_to_json(changed)::text) <= 7000 THEN
        said := array_to_json(changed)::text;
    END IF;
    PERFORM pg_notify('cts_connections', said);
    RETURN NULL;
END
$$;

DROP TRIGGER IF EXISTS cts_connection_added ON exchange_connections;

CREATE TRIGGER cts_connection_added AFTER INSERT ON exchange_connections
REFERENCING NEW TABLE AS after_change FOR EACH STATEMENT EXECUTE FUNCTION cts_notify_connections();

DROP TRIGGER IF EXISTS cts_connection_changed ON exchange_connections;

CREATE TRIGGER cts_connection_changed AFTER UPDATE ON exchange_connections
REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change
FOR EACH STATEMENT EXECUTE FUNCTION cts_notify_connections();

DROP TRIGGER IF EXISTS cts_connection_removed ON exchange_connections;

CREATE TRIGGER cts_connection_removed AFTER DELETE ON exchange_connections
REFERENCING OLD TABLE AS before_change FOR EACH STATEMENT EXECUTE FUNCTION cts_notify_connections();

DROP TRIGGER IF EXISTS cts_connections_emptied ON exchange_connections;

CREATE TRIGGER cts_connections_emptied AFTER TRUNCATE ON exchange_connections
FOR EACH STATEMENT EXECUTE FUNCTION cts_notify_connections();
