-- What an operator steers: pauses of everything or of a channel, and when a job may go on.

-- `scope` is a channel's name, or '' for the whole studio.
CREATE TABLE pauses (
    scope     text        PRIMARY KEY CHECK (length(scope) <= 100),
    reason    text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    paused_by text        NOT NULL CHECK (length(paused_by) BETWEEN 1 AND 200),
    paused_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE video_jobs ADD COLUMN not_before timestamptz;

DO $$
BEGIN
    REVOKE ALL ON pauses FROM bookai_app;
    GRANT SELECT, INSERT, DELETE ON pauses TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
