-- What was answered to a call with an idempotency key: the same call again gets it, and no effect.

CREATE TABLE mcp_replies (
    principal text        NOT NULL CHECK (length(principal) BETWEEN 1 AND 200),
    tool      text        NOT NULL CHECK (length(tool) BETWEEN 1 AND 100),
    key       text        NOT NULL CHECK (length(key) BETWEEN 8 AND 128),
    digest    text        NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    begun_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    reply     text,
    PRIMARY KEY (principal, tool, key)
);
CREATE INDEX mcp_replies_begun ON mcp_replies (begun_at);

DO $$
BEGIN
    REVOKE ALL ON mcp_replies FROM bookai_app;
    GRANT SELECT, DELETE ON mcp_replies TO bookai_app;
    GRANT INSERT (principal, tool, key, digest), UPDATE (reply) ON mcp_replies TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
