-- What the router remembers: faults told apart, beats of agents, and word of every outcome.

-- `fault` says whose a failure was: the agent's output (quality), what it runs on (infra), a short
-- "not now" (busy), or the task's own (client). Older rows have none. `place` is the process.
ALTER TABLE task_executions
    ADD COLUMN fault text CHECK (fault IN ('quality', 'infra', 'busy', 'client')),
    ADD COLUMN place text CHECK (length(place) BETWEEN 1 AND 200),
    ADD CONSTRAINT task_executions_fault CHECK (fault IS NULL OR outcome = 'failed');
-- Each process asks what ended since it last looked.
CREATE INDEX task_executions_finished ON task_executions (finished_at)
    WHERE finished_at IS NOT NULL;

-- The same agent may be on duty in many processes: a row for each, gone when the process ends in
-- order. Postgres's clock is the one that all of them share.
CREATE TABLE agent_beats (
    agent     text NOT NULL REFERENCES agents (name),
    place     text NOT NULL CHECK (length(place) BETWEEN 1 AND 200),
    kind      text NOT NULL CHECK (kind IN ('local', 'remote')),
    capacity  integer NOT NULL CHECK (capacity >= 1),
    in_flight integer NOT NULL CHECK (in_flight >= 0),
    breaker   text NOT NULL CHECK (breaker IN ('closed', 'open', 'half_open')),
    beat_at   timestamptz NOT NULL,
    PRIMARY KEY (agent, place)
);
CREATE INDEX agent_beats_at ON agent_beats (beat_at);

-- Only a bell: who hears it asks the table, so that nothing is lost with a connection. The payload
-- lets a process sleep through its own.
CREATE FUNCTION task_executions_tell() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bookai_outcomes', coalesce(NEW.place, ''));
    RETURN NULL;
END $$;
CREATE TRIGGER task_executions_tell AFTER UPDATE ON task_executions
    FOR EACH ROW WHEN (OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL)
    EXECUTE FUNCTION task_executions_tell();

DO $$
BEGIN
    REVOKE ALL ON agent_beats FROM bookai_app;
    GRANT SELECT, INSERT, DELETE ON agent_beats TO bookai_app;
    GRANT UPDATE (kind, capacity, in_flight, breaker, beat_at) ON agent_beats TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
