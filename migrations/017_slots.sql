-- When a channel publishes: one slot, one job, for ever.

-- A slot that its job did not use is given up by deleting the row: then another job may take it.
CREATE TABLE publish_slots (
    channel    text        NOT NULL CHECK (length(channel) BETWEEN 1 AND 100),
    slot_at    timestamptz NOT NULL,
    job_id     bigint      NOT NULL UNIQUE REFERENCES video_jobs (job_id),
    claimed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, slot_at)
);

-- What is counted for every channel every few minutes.
CREATE INDEX video_jobs_alive ON video_jobs (channel) WHERE status IN ('queued', 'running', 'waiting');
CREATE INDEX video_jobs_created ON video_jobs (channel, created_at);
CREATE INDEX approvals_decided ON approvals (channel, decided_at) WHERE decided_at IS NOT NULL;
CREATE INDEX social_posts_out ON social_posts (platform, published_at) WHERE state = 'posted';
CREATE INDEX audit_log_models ON audit_log (job_id) WHERE kind = 'model.called' AND job_id IS NOT NULL;

-- What is approved early waits for its slot, whoever approved it; an operator's own time stays. What
-- is withdrawn again waits for nothing.
CREATE FUNCTION publish_slots_hold() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'approved' THEN
        UPDATE video_jobs j
           SET not_before = s.slot_at
          FROM publish_slots s
         WHERE j.job_id = NEW.job_id
           AND s.job_id = NEW.job_id
           AND s.slot_at > now()
           AND j.not_before IS NULL;
    ELSE
        UPDATE video_jobs j
           SET not_before = NULL
          FROM publish_slots s
         WHERE j.job_id = NEW.job_id
           AND s.job_id = NEW.job_id
           AND j.not_before = s.slot_at;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER publish_slots_hold AFTER UPDATE OF state ON approvals
    FOR EACH ROW WHEN (NEW.state = 'approved' OR OLD.state = 'approved')
    EXECUTE FUNCTION publish_slots_hold();

DO $$
BEGIN
    REVOKE ALL ON publish_slots FROM bookai_app;
    GRANT SELECT, INSERT, DELETE ON publish_slots TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
