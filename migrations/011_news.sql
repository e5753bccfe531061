-- Word of what changed, for whoever watches: a job, an approval, a post. Only a bell with a name on it.

-- Each payload is `what number job_id`; 'content' is said of a job when its script or its files are new.
-- Nothing that anybody wrote is in it: who hears it reads the row, with his own rights.
CREATE FUNCTION video_jobs_news() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bookai_news', concat_ws(' ', 'job', NEW.job_id, NEW.job_id,
        CASE WHEN TG_OP = 'INSERT'
               OR OLD.record -> 'script' IS DISTINCT FROM NEW.record -> 'script'
               OR OLD.record -> 'render' IS DISTINCT FROM NEW.record -> 'render'
             THEN 'content' END));
    RETURN NULL;
END $$;
CREATE TRIGGER video_jobs_news_made AFTER INSERT ON video_jobs
    FOR EACH ROW EXECUTE FUNCTION video_jobs_news();
-- A heartbeat or a counter is no news.
CREATE TRIGGER video_jobs_news AFTER UPDATE OF status, stage, percent, reason, record ON video_jobs
    FOR EACH ROW
    WHEN ((OLD.status, OLD.stage, OLD.percent, OLD.reason)
              IS DISTINCT FROM (NEW.status, NEW.stage, NEW.percent, NEW.reason)
          OR OLD.record IS DISTINCT FROM NEW.record)
    EXECUTE FUNCTION video_jobs_news();

CREATE FUNCTION approvals_news() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bookai_news', concat_ws(' ', 'approval', NEW.approval_id, NEW.job_id));
    RETURN NULL;
END $$;
CREATE TRIGGER approvals_news AFTER INSERT OR UPDATE ON approvals
    FOR EACH ROW EXECUTE FUNCTION approvals_news();

-- The first yes of two changes what an approval shows, but not its own row.
CREATE FUNCTION approval_votes_news() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bookai_news', concat_ws(' ', 'approval', a.approval_id, a.job_id))
       FROM approvals a
      WHERE a.approval_id = NEW.approval_id;
    RETURN NULL;
END $$;
CREATE TRIGGER approval_votes_news AFTER INSERT ON approval_votes
    FOR EACH ROW EXECUTE FUNCTION approval_votes_news();

CREATE FUNCTION social_posts_news() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bookai_news', concat_ws(' ', 'post', NEW.post_id, NEW.job_id));
    RETURN NULL;
END $$;
CREATE TRIGGER social_posts_news_made AFTER INSERT ON social_posts
    FOR EACH ROW EXECUTE FUNCTION social_posts_news();
-- A lease that is prolonged is no news.
CREATE TRIGGER social_posts_news AFTER UPDATE ON social_posts
    FOR EACH ROW
    WHEN ((OLD.state, OLD.url, OLD.reason, OLD.attempt, OLD.not_before)
          IS DISTINCT FROM (NEW.state, NEW.url, NEW.reason, NEW.attempt, NEW.not_before))
    EXECUTE FUNCTION social_posts_news();
