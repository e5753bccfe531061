-- Queues by kind of work, and a fence against workers that come back from the dead.

-- `queue` is the kind of work of the step at which a job stands: retries, wake-ups and lost entries go there.
-- `epoch` counts how often a job was taken. A worker writes under the epoch that it took, and is refused when a
-- later one exists. `unheard` counts those takes since the job last got further that ended without a word: a job
-- that takes down its workers is given up.
ALTER TABLE video_jobs
    ADD COLUMN queue text NOT NULL DEFAULT 'graph' CHECK (queue IN ('graph', 'render', 'publish')),
    ADD COLUMN epoch bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    ADD COLUMN unheard integer NOT NULL DEFAULT 0 CHECK (unheard >= 0);

UPDATE video_jobs
   SET queue = CASE WHEN stage IN ('render', 'check') THEN 'render' ELSE 'publish' END
 WHERE stage IN ('render', 'check', 'publish', 'report');

CREATE FUNCTION video_jobs_epoch() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'job % was taken % times: it cannot become %', OLD.job_id, OLD.epoch, NEW.epoch
        USING ERRCODE = 'check_violation';
END $$;
-- A smaller epoch would let a worker write again that lost its job.
CREATE TRIGGER video_jobs_epoch BEFORE UPDATE OF epoch ON video_jobs
    FOR EACH ROW WHEN (NEW.epoch < OLD.epoch)
    EXECUTE FUNCTION video_jobs_epoch();
