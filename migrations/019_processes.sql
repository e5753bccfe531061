-- The studio's processes: where each can be asked for its metrics and its health.

CREATE TABLE processes (
    name         text        PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 200),
    kind         text        NOT NULL CHECK (kind IN ('loop', 'mcp', 'worker')),
    host         text        NOT NULL CHECK (length(host) BETWEEN 1 AND 253),
    metrics_port integer     CHECK (metrics_port BETWEEN 1 AND 65535),
    began_at     timestamptz NOT NULL DEFAULT now(),
    seen_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX processes_seen ON processes (seen_at);

DO $$
BEGIN
    REVOKE ALL ON processes FROM bookai_app;
    GRANT SELECT, INSERT, DELETE, UPDATE (metrics_port, seen_at) ON processes TO bookai_app;
    -- A process must see that a newer release changed the schema under it.
    GRANT SELECT ON schema_migrations TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
