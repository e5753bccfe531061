-- The audit log grows: partitions, personal data apart, eras.

-- Large: one partition holds `partition_rows` ids. The table becomes the first partition of a new
-- one of the same name, with its rows where they are. Ids go on where they were.
DO $$
DECLARE
    first_id bigint := nextval(pg_get_serial_sequence('audit_log', 'id'));
BEGIN
    ALTER TABLE audit_log ALTER COLUMN id DROP IDENTITY;
    ALTER TABLE audit_log RENAME TO audit_log_p0;
    ALTER INDEX audit_log_pkey RENAME TO audit_log_p0_pkey;
    ALTER INDEX audit_log_xid RENAME TO audit_log_p0_xid;
    ALTER INDEX audit_log_kind RENAME TO audit_log_p0_kind;
    ALTER INDEX audit_log_job RENAME TO audit_log_p0_job;
    -- The new table's row trigger comes down to every partition; one about TRUNCATE does not.
    DROP TRIGGER deny_change ON audit_log_p0;
    -- The same rule as before; {0,63} in a pattern costs more than all indexes together.
    ALTER TABLE audit_log_p0 DROP CONSTRAINT audit_log_kind_check;
    ALTER TABLE audit_log_p0 ADD CONSTRAINT audit_log_kind_check
        CHECK (kind ~ '^[a-z][a-z0-9_.]*$' AND length(kind) <= 64);
    CREATE TABLE audit_log (LIKE audit_log_p0 INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
        PARTITION BY RANGE (id);
    EXECUTE format(
        'ALTER TABLE audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (START WITH %s)',
        first_id);
END $$;
ALTER TABLE audit_log ADD PRIMARY KEY (id);
CREATE INDEX audit_log_xid ON audit_log (xid, id);
CREATE INDEX audit_log_kind ON audit_log (kind, id);
CREATE INDEX audit_log_job ON audit_log (job_id, id) WHERE job_id IS NOT NULL;
CREATE INDEX audit_log_actor ON audit_log (actor, id);
-- Ids are given in about the order of time: a few bytes for each 128 pages are enough to find a day.
CREATE INDEX audit_log_at ON audit_log USING brin (at);
CREATE TRIGGER deny_change BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_deny();
CREATE TRIGGER deny_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_deny();

-- One row: how large partitions are, and below which id every event has its partition.
CREATE TABLE audit_room (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    partition_rows bigint NOT NULL DEFAULT 50000000 CHECK (partition_rows >= 10),
    upto           bigint NOT NULL
);
INSERT INTO audit_room (upto)
SELECT (coalesce(max(id), 0) / 50000000 + 1) * 50000000 FROM audit_log_p0;
DO $$
BEGIN
    EXECUTE format('ALTER TABLE audit_log ATTACH PARTITION audit_log_p0
                    FOR VALUES FROM (MINVALUE) TO (%s)', (SELECT upto FROM audit_room));
END $$;
-- Where the next partition was not made in time: no event is ever refused for want of room.
CREATE TABLE audit_log_rest PARTITION OF audit_log DEFAULT;
CREATE TRIGGER deny_truncate BEFORE TRUNCATE ON audit_log_rest
    FOR EACH STATEMENT EXECUTE FUNCTION audit_deny();

-- Makes partitions ahead of need and returns how many. Runs as the owner, takes no argument: the
-- program can have the next partition made, and nothing else. A reader of the whole log would hold
-- us up, and we then those who come after: rather try again at the next tick.
CREATE FUNCTION audit_extend() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '500ms' AS $$
DECLARE
    room   audit_room;
    newest bigint;
    lowest bigint;
    title  text;
    made   integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(x'626F6F6B00000003'::bigint) THEN
        RETURN 0; -- another process is at it
    END IF;
    SELECT * INTO room FROM audit_room;
    EXECUTE 'SELECT last_value FROM ' || pg_get_serial_sequence('audit_log', 'id') INTO newest;
    WHILE room.upto - newest <= room.partition_rows AND made < 8 LOOP
        lowest := room.upto;
        IF newest >= room.upto THEN
            -- The ids between lie in audit_log_rest, and stay there.
            lowest := (newest / room.partition_rows + 1) * room.partition_rows;
        END IF;
        title := 'audit_log_p' || lowest;
        EXECUTE format('CREATE TABLE %I (LIKE audit_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS
                        INCLUDING INDEXES)', title);
        EXECUTE format('CREATE TRIGGER deny_truncate BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION audit_deny()', title);
        EXECUTE format('ALTER TABLE audit_log ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                       title, lowest, lowest + room.partition_rows);
        room.upto := lowest + room.partition_rows;
        UPDATE audit_room SET upto = room.upto;
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- Personal data: the event holds a salted commitment, sha256(salt || value), which says nothing once
-- salt and value are gone. They lie here and can be erased; the proofs of the log stay whole.
CREATE TABLE audit_personal (
    event_id bigint NOT NULL,
    field    text NOT NULL CHECK (length(field) BETWEEN 1 AND 128),
    subject  text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    salt     bytea NOT NULL CHECK (octet_length(salt) = 32),
    value    text NOT NULL CHECK (octet_length(value) <= 65536),
    PRIMARY KEY (event_id, field)
);
CREATE INDEX audit_personal_subject ON audit_personal (subject);
CREATE TRIGGER deny_change BEFORE UPDATE ON audit_personal
    FOR EACH ROW EXECUTE FUNCTION audit_deny();
CREATE TRIGGER deny_truncate BEFORE TRUNCATE ON audit_personal
    FOR EACH STATEMENT EXECUTE FUNCTION audit_deny();

-- The only way to erase for the program, which holds no DELETE: it cannot be done without its event.
-- That event tells how much was erased and why, never whose or what.
CREATE FUNCTION audit_erase(whose text, who text, why text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    fields integer;
    events integer;
BEGIN
    WITH gone AS (DELETE FROM audit_personal WHERE subject = whose RETURNING event_id)
    SELECT count(*), count(DISTINCT event_id) INTO fields, events FROM gone;
    INSERT INTO audit_log (kind, actor, body)
    VALUES ('personal.erased', who,
            format('{"events":%s,"fields":%s,"reason":%s}', events, fields, to_json(why)));
    RETURN fields;
END $$;

-- Transaction ids begin low again in another cluster. Each such restore begins an era, and the
-- signed note names it. `cluster` is Postgres' own identifier, to notice a restore; `first_pass`:
-- events that came along unsealed are still being looked for.
ALTER TABLE audit_checkpoint
    ADD COLUMN era        integer NOT NULL DEFAULT 1 CHECK (era > 0),
    ADD COLUMN cluster    bigint,
    ADD COLUMN first_pass boolean NOT NULL DEFAULT false;

-- What runs as the owner must not be led astray by a table of the caller's making.
DO $$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY['audit_extend()', 'audit_erase(text, text, text)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp',
                       signature, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    END LOOP;
END $$;

DO $$
BEGIN
    REVOKE ALL ON audit_log, audit_log_p0, audit_log_rest, audit_room, audit_personal
        FROM bookai_app, bookai_sealer;
    GRANT SELECT ON audit_log TO bookai_app, bookai_sealer;
    GRANT INSERT (kind, actor, job_id, body) ON audit_log TO bookai_app;
    GRANT SELECT ON audit_room TO bookai_app;
    GRANT SELECT, INSERT ON audit_personal TO bookai_app;
    GRANT EXECUTE ON FUNCTION audit_extend(), audit_erase(text, text, text) TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no roles bookai_app and bookai_sealer here: grants are left out (%)', SQLERRM;
END $$;
