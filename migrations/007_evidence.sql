-- How far each copy of the audit log outside the database has got.

-- A row a copy that `[[audit.exports]]` names. `tree_size` is what the newest checkpoint there
-- covers; `failures` counts since the last success, and `next_at` is when it is tried again.
-- `diverged`: what lies there is not the history that the database tells.
CREATE TABLE audit_exports (
    name         text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    kind         text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,39}$'),
    tree_size    bigint NOT NULL DEFAULT 0 CHECK (tree_size >= 0),
    failures     integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    diverged     boolean NOT NULL DEFAULT false,
    error        text CHECK (length(error) <= 2000),
    succeeded_at timestamptz,
    tried_at     timestamptz NOT NULL,
    next_at      timestamptz NOT NULL,
    CHECK ((failures > 0) = (error IS NOT NULL)),
    CHECK (failures > 0 OR NOT diverged)
);

DO $$
BEGIN
    REVOKE ALL ON audit_exports FROM bookai_app;

    GRANT SELECT, INSERT ON audit_exports TO bookai_app;
    GRANT UPDATE (kind, tree_size, failures, diverged, error, succeeded_at, tried_at, next_at)
        ON audit_exports TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
