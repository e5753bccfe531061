-- MCP tasks: calls that take longer than their caller waits, kept so that anyone of the same principal can ask.

-- `worker` is the process that does the work; it is dead when its advisory lock is free and it has been
-- silent since `heard_at`. `result`, `error`, `asks` and `answers` are JSON that is never queried; as
-- text, because jsonb cannot hold the \u0000 that a page of the world may contain.
CREATE TABLE mcp_tasks (
    task_id    text        PRIMARY KEY CHECK (task_id ~ '^[A-Za-z0-9_-]{16,64}$'),
    principal  text        NOT NULL CHECK (length(principal) BETWEEN 1 AND 200),
    tool       text        NOT NULL CHECK (length(tool) BETWEEN 1 AND 64),
    state      text        NOT NULL DEFAULT 'working'
                           CHECK (state IN ('working', 'input_required', 'completed', 'failed',
                                            'cancelled')),
    message    text        CHECK (length(message) <= 300),
    worker     text        NOT NULL CHECK (length(worker) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    heard_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    cancel_at  timestamptz,
    asks       text,
    answers    text,
    result     text,
    error      text,
    CHECK (expires_at > created_at),
    CHECK ((state = 'completed') = (result IS NOT NULL)),
    CHECK ((state = 'failed') = (error IS NOT NULL)),
    CHECK (state <> 'input_required' OR asks IS NOT NULL)
);
CREATE INDEX mcp_tasks_live ON mcp_tasks (worker) WHERE state IN ('working', 'input_required');
CREATE INDEX mcp_tasks_expiry ON mcp_tasks (expires_at);

CREATE FUNCTION mcp_tasks_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('completed', 'failed', 'cancelled')
       AND (TG_OP = 'UPDATE' OR OLD.expires_at > clock_timestamp()) THEN
        RAISE EXCEPTION 'task % is %: it stays so until it expires', OLD.task_id, OLD.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.state IN ('working', 'input_required') THEN
            RAISE EXCEPTION 'task % is %: it is not forgotten before it ended', OLD.task_id, OLD.state
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN OLD;
    END IF;
    NEW.updated_at := CASE WHEN (OLD.state, OLD.message) IS DISTINCT FROM (NEW.state, NEW.message)
                           THEN clock_timestamp() ELSE OLD.updated_at END;
    RETURN NEW;
END $$;
CREATE TRIGGER mcp_tasks_guard BEFORE UPDATE OR DELETE ON mcp_tasks
    FOR EACH ROW EXECUTE FUNCTION mcp_tasks_guard();

DO $$
BEGIN
    REVOKE ALL ON mcp_tasks FROM bookai_app;
    GRANT SELECT, DELETE ON mcp_tasks TO bookai_app;
    GRANT INSERT (task_id, principal, tool, message, worker, expires_at),
          UPDATE (state, message, heard_at, cancel_at, asks, answers, result, error)
        ON mcp_tasks TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
