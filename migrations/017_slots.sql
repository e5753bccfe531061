-- When a channel publishes: one slot, one job, for ever.

-- A slot that its job did not use is given up by deleting the row: then another job may take it.
CREATE TABLE publish_slots (
    channel    text        NOT NULL CHECK (length(channel) BETWEEN 1 AND 100),
    slot_at    timestamptz NOT NULL,
    job_id     bigint      NOT NULL UNIQUE REFERENCES video_jobs (job_id),
    claimed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, slot_at)
);

DO $$
BEGIN
    REVOKE ALL ON publish_slots FROM bookai_app;
    GRANT SELECT, INSERT, DELETE ON publish_slots TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
