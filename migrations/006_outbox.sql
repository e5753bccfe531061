-- The outbox as a state machine that the database itself keeps: moves, numbers, leases, approval.

DROP TRIGGER social_posts_guard ON social_posts;

-- `attempt` is the fencing token: each arming has a number of its own. `tries` counts sends since the
-- last arming by an operator; `sent_at` is when a send last began. `handle` is what a platform needs
-- to find what an earlier attempt left behind (a session's address, a record's key); it may let
-- its holder write there, so it goes into no log.
ALTER TABLE social_posts
    ADD COLUMN handle      text CHECK (length(handle) <= 8192),
    ADD COLUMN lease_owner text CHECK (length(lease_owner) BETWEEN 1 AND 200),
    ADD COLUMN lease_until timestamptz,
    ADD COLUMN not_before  timestamptz,
    ADD COLUMN tries       integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    ADD COLUMN sent_at     timestamptz;

ALTER TABLE social_posts DROP CONSTRAINT social_posts_state_check;
ALTER TABLE social_posts ADD CONSTRAINT social_posts_state_check
    CHECK (state IN ('armed', 'sending', 'posted', 'unknown', 'failed', 'dead'));

-- What an older version began to send has no living sender: its lease is over.
UPDATE social_posts
   SET sent_at = updated_at, tries = attempt
 WHERE state <> 'armed';
UPDATE social_posts
   SET lease_owner = 'an older version', lease_until = now()
 WHERE state = 'sending';

ALTER TABLE social_posts
    ADD CONSTRAINT social_posts_lease
    CHECK ((state = 'sending') = (lease_owner IS NOT NULL)
           AND (lease_owner IS NULL) = (lease_until IS NULL)),
    ADD CONSTRAINT social_posts_sent CHECK (state IN ('armed', 'failed', 'dead') OR sent_at IS NOT NULL),
    ADD CONSTRAINT social_posts_dead CHECK (state <> 'dead' OR reason IS NOT NULL);

-- What each attempt sent, for the receipt that comes when the row is armed with another post already.
CREATE TABLE social_sends (
    post_id  bigint      NOT NULL REFERENCES social_posts,
    attempt  integer     NOT NULL,
    digest   text        NOT NULL,
    title    text        NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (post_id, attempt)
);
INSERT INTO social_sends (post_id, attempt, digest, title, began_at)
SELECT post_id, attempt, digest, title, sent_at
  FROM social_posts
 WHERE sent_at IS NOT NULL;

CREATE OR REPLACE FUNCTION social_posts_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'posted' THEN
        RAISE EXCEPTION 'post % is out: its receipt stays', OLD.post_id
            USING ERRCODE = 'check_violation';
    END IF;
    IF (OLD.job_id, OLD.platform, OLD.account, OLD.idempotency_key, OLD.created_at)
       IS DISTINCT FROM
       (NEW.job_id, NEW.platform, NEW.account, NEW.idempotency_key, NEW.created_at) THEN
        RAISE EXCEPTION 'post % keeps its job, target and key', OLD.post_id
            USING ERRCODE = 'check_violation';
    END IF;
    -- What is out is out: a receipt is taken in every state, provided that a send ever began.
    IF OLD.state <> NEW.state AND NEW.state <> 'posted'
       AND (OLD.state, NEW.state) NOT IN (
           ('armed', 'sending'), ('armed', 'failed'),
           ('sending', 'unknown'), ('sending', 'failed'),
           ('unknown', 'failed'),
           ('failed', 'armed'), ('failed', 'dead'),
           ('dead', 'armed')) THEN
        RAISE EXCEPTION 'post % is %: it cannot become %', OLD.post_id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.attempt < OLD.attempt OR (NEW.attempt > OLD.attempt AND NEW.state <> 'armed') THEN
        RAISE EXCEPTION 'post % is at attempt %: only arming it again raises that by one',
            OLD.post_id, OLD.attempt USING ERRCODE = 'check_violation';
    END IF;
    -- A receipt names what is out, which may be what an earlier attempt sent.
    IF NEW.attempt = OLD.attempt
       AND ((NEW.digest <> OLD.digest
             AND NOT (NEW.state = 'posted'
                      AND EXISTS (SELECT FROM social_sends
                                   WHERE post_id = NEW.post_id AND digest = NEW.digest)))
            OR (NEW.state = 'armed' AND OLD.state <> 'armed')) THEN
        RAISE EXCEPTION 'post %: what is armed anew needs an attempt number of its own', OLD.post_id
            USING ERRCODE = 'check_violation';
    END IF;
    -- Ours alone to count: nobody sends for ever, or denies that he sent.
    NEW.sent_at := OLD.sent_at;
    NEW.tries := CASE WHEN OLD.state = 'dead' AND NEW.state = 'armed' THEN 0 ELSE OLD.tries END;
    IF NEW.state = 'sending' AND OLD.state = 'armed' THEN
        PERFORM social_posts_check_approved(NEW);
        NEW.sent_at := clock_timestamp();
        NEW.tries := OLD.tries + 1;
    END IF;
    RETURN NEW;
END $$;

-- Nothing is sent without an operator's yes to exactly these bytes, whoever asks. The lock keeps the
-- approval as it is until the move to `sending` is committed.
CREATE FUNCTION social_posts_check_approved(post social_posts) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM approvals
      WHERE job_id = post.job_id
        AND digest = post.digest
        AND state = 'approved'
        AND expires_at > clock_timestamp()
        FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'post % of job %: no approval of exactly this counts now', post.post_id,
            post.job_id USING ERRCODE = 'check_violation', CONSTRAINT = 'social_posts_approved';
    END IF;
END $$;

-- As the table's owner: the program itself may not say what was sent.
CREATE FUNCTION social_sends_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO social_sends (post_id, attempt, digest, title)
    VALUES (NEW.post_id, NEW.attempt, NEW.digest, NEW.title);
    RETURN NULL;
END $$;

CREATE FUNCTION social_posts_begin() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'armed' OR NEW.attempt <> 1 OR NEW.tries <> 0 OR NEW.sent_at IS NOT NULL THEN
        RAISE EXCEPTION 'a post begins armed, at its first attempt'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER social_posts_guard BEFORE UPDATE ON social_posts
    FOR EACH ROW EXECUTE FUNCTION social_posts_guard();
CREATE TRIGGER social_posts_begin BEFORE INSERT ON social_posts
    FOR EACH ROW EXECUTE FUNCTION social_posts_begin();
CREATE TRIGGER social_sends_note AFTER UPDATE ON social_posts
    FOR EACH ROW WHEN (OLD.state = 'armed' AND NEW.state = 'sending')
    EXECUTE FUNCTION social_sends_note();

-- A temporary table of the caller's making must not stand in for the approvals when a post is checked.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION social_posts_guard() SET search_path = %I, pg_temp',
                   current_schema());
    EXECUTE format('ALTER FUNCTION social_posts_begin() SET search_path = %I, pg_temp',
                   current_schema());
    EXECUTE format('ALTER FUNCTION social_sends_note() SET search_path = %I, pg_temp',
                   current_schema());
    EXECUTE format('ALTER FUNCTION social_posts_check_approved(social_posts)'
                   ' SET search_path = %I, pg_temp', current_schema());
END $$;

DO $$
BEGIN
    -- Who arms chooses neither the state nor the time nor the key.
    REVOKE INSERT ON social_posts FROM bookai_app;
    GRANT INSERT (job_id, platform, account, title, digest) ON social_posts TO bookai_app;
    REVOKE ALL ON social_sends FROM bookai_app;
    GRANT SELECT ON social_sends TO bookai_app;
    GRANT UPDATE (handle, lease_owner, lease_until, not_before) ON social_posts TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
