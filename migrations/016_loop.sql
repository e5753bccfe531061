-- The loop: who leads it, what it does how often, and each time that it did so.

-- `epoch` rises with every election: what a process writes that led before is refused.
CREATE TABLE loop_epochs (
    epoch    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    holder   text        NOT NULL CHECK (length(holder) BETWEEN 1 AND 200),
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz
);

-- `next_slot` moves forward in the transaction that writes the tick: no slot is lost or done twice.
CREATE TABLE loop_schedules (
    name      text             NOT NULL CHECK (name ~ '^[a-z][a-z_]{0,39}$'),
    scope     text             NOT NULL DEFAULT '' CHECK (length(scope) <= 2000),
    every_s   double precision NOT NULL CHECK (every_s > 0),
    since     timestamptz      NOT NULL,
    next_slot timestamptz      NOT NULL CHECK (next_slot >= since),
    active    boolean          NOT NULL DEFAULT true,
    PRIMARY KEY (name, scope)
);

-- `covered` slots are settled by one tick: more than one when nobody led for a while.
CREATE TABLE loop_ticks (
    name     text        NOT NULL,
    scope    text        NOT NULL,
    slot     timestamptz NOT NULL,
    until    timestamptz NOT NULL,
    covered  integer     NOT NULL DEFAULT 1 CHECK (covered > 0),
    epoch    bigint      NOT NULL REFERENCES loop_epochs,
    tries    integer     NOT NULL DEFAULT 1 CHECK (tries > 0),
    state    text        NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    note     text CHECK (length(note) <= 2000),
    PRIMARY KEY (name, scope, slot),
    FOREIGN KEY (name, scope) REFERENCES loop_schedules,
    CHECK (until > slot),
    CHECK ((state = 'running') = (ended_at IS NULL))
);
CREATE INDEX loop_ticks_running ON loop_ticks (epoch) WHERE state = 'running';
CREATE INDEX loop_ticks_began ON loop_ticks (began_at);

CREATE FUNCTION loop_schedules_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM loop_ticks
                WHERE name = NEW.name AND scope = NEW.scope AND slot >= NEW.next_slot) THEN
        RAISE EXCEPTION 'schedule % %: a slot that has its tick cannot come again', NEW.name, NEW.scope
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER loop_schedules_guard BEFORE UPDATE OF next_slot ON loop_schedules
    FOR EACH ROW WHEN (NEW.next_slot < OLD.next_slot)
    EXECUTE FUNCTION loop_schedules_guard();

DO $$
BEGIN
    REVOKE ALL ON loop_epochs, loop_schedules, loop_ticks FROM bookai_app;
    GRANT SELECT, INSERT (holder), UPDATE (seen_at, ended_at) ON loop_epochs TO bookai_app;
    GRANT SELECT, INSERT, UPDATE (every_s, next_slot, active) ON loop_schedules TO bookai_app;
    GRANT SELECT, INSERT, DELETE, UPDATE (epoch, tries, state, began_at, ended_at, note)
        ON loop_ticks TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
