-- The loop: who leads it, what it does how often, each time that it did so, and what it brings home.

-- `epoch` rises with every election: what a process writes that led before is refused.
CREATE TABLE loop_epochs (
    epoch    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    holder   text        NOT NULL CHECK (length(holder) BETWEEN 1 AND 200),
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz
);

-- `next_slot` moves forward in the transaction that writes the tick: no slot is lost or done twice.
CREATE TABLE loop_schedules (
    name      text             NOT NULL CHECK (name ~ '^[a-z][a-z_]{0,39}$'),
    scope     text             NOT NULL DEFAULT '' CHECK (length(scope) <= 2000),
    every_s   double precision NOT NULL CHECK (every_s > 0),
    since     timestamptz      NOT NULL,
    next_slot timestamptz      NOT NULL CHECK (next_slot >= since),
    active    boolean          NOT NULL DEFAULT true,
    PRIMARY KEY (name, scope)
);

-- `covered` slots are settled by one tick: more than one when nobody led for a while.
CREATE TABLE loop_ticks (
    name     text        NOT NULL,
    scope    text        NOT NULL,
    slot     timestamptz NOT NULL,
    until    timestamptz NOT NULL,
    covered  integer     NOT NULL DEFAULT 1 CHECK (covered > 0),
    epoch    bigint      NOT NULL REFERENCES loop_epochs,
    tries    integer     NOT NULL DEFAULT 1 CHECK (tries > 0),
    state    text        NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    note     text CHECK (length(note) <= 2000),
    PRIMARY KEY (name, scope, slot),
    FOREIGN KEY (name, scope) REFERENCES loop_schedules,
    CHECK (until > slot),
    CHECK ((state = 'running') = (ended_at IS NULL))
);
CREATE INDEX loop_ticks_running ON loop_ticks (epoch) WHERE state = 'running';
CREATE INDEX loop_ticks_began ON loop_ticks (began_at);

CREATE FUNCTION loop_schedules_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM loop_ticks
                WHERE name = NEW.name AND scope = NEW.scope AND slot >= NEW.next_slot) THEN
        RAISE EXCEPTION 'schedule % %: a slot that has its tick cannot come again', NEW.name, NEW.scope
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER loop_schedules_guard BEFORE UPDATE OF next_slot ON loop_schedules
    FOR EACH ROW WHEN (NEW.next_slot < OLD.next_slot)
    EXECUTE FUNCTION loop_schedules_guard();

-- What became of each post: the platform's own word and its time, never a guess. `views` stays null where
-- nothing is counted; `read_at` says how old it is; `missed` counts the looks in a row that did not find it.
CREATE TABLE post_results (
    post_id  bigint      PRIMARY KEY REFERENCES social_posts (post_id),
    channel  text        NOT NULL,
    state    text        NOT NULL DEFAULT 'unread' CHECK (state IN ('unread', 'there', 'missing', 'gone')),
    views    bigint      CHECK (views >= 0),
    note     text        NOT NULL DEFAULT '' CHECK (length(note) <= 500),
    missed   integer     NOT NULL DEFAULT 0 CHECK (missed >= 0),
    error    text        CHECK (length(error) <= 500),
    read_at  timestamptz,
    tried_at timestamptz,
    gone_at  timestamptz,
    next_at  timestamptz,
    CHECK ((state = 'gone') = (gone_at IS NOT NULL)),
    CHECK ((state = 'unread') <= (read_at IS NULL))
);
CREATE INDEX post_results_due ON post_results (channel, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX post_results_gone ON post_results (channel, gone_at) WHERE state = 'gone';

-- Each count that differed from the one before.
CREATE TABLE post_marks (
    post_id bigint      NOT NULL REFERENCES post_results (post_id),
    seen_at timestamptz NOT NULL,
    views   bigint      NOT NULL CHECK (views >= 0),
    PRIMARY KEY (post_id, seen_at)
);

-- As the table's owner: a post that is out is always asked after, whatever the program forgets.
CREATE FUNCTION post_results_begin() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO post_results (post_id, channel, next_at)
    SELECT NEW.post_id, channel, NEW.published_at + interval '1 hour'
      FROM video_jobs
     WHERE job_id = NEW.job_id
        ON CONFLICT (post_id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER post_results_begin AFTER UPDATE ON social_posts
    FOR EACH ROW WHEN (NEW.state = 'posted' AND OLD.state <> 'posted')
    EXECUTE FUNCTION post_results_begin();
INSERT INTO post_results (post_id, channel, next_at)
SELECT p.post_id, j.channel, p.published_at + interval '1 hour'
  FROM social_posts p
  JOIN video_jobs j ON j.job_id = p.job_id
 WHERE p.state = 'posted';
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION post_results_begin() SET search_path = %I, pg_temp',
                   current_schema());
END $$;

-- Whether the page of a product answers. A dead one is offered no more until it answers again.
CREATE TABLE offer_checks (
    product_id bigint      PRIMARY KEY REFERENCES affiliate_products (product_id),
    url        text        NOT NULL,
    state      text        NOT NULL CHECK (state IN ('answers', 'unsure', 'dead')),
    missed     integer     NOT NULL DEFAULT 0 CHECK (missed >= 0),
    error      text        CHECK (length(error) <= 500),
    checked_at timestamptz NOT NULL,
    since      timestamptz NOT NULL,
    next_at    timestamptz NOT NULL
);
CREATE INDEX offer_checks_due ON offer_checks (next_at);
CREATE INDEX offer_checks_dead ON offer_checks (product_id) WHERE state = 'dead';

-- One forecast of a kind for a trend: the first word stands.
CREATE UNIQUE INDEX trend_predictions_once ON trend_predictions (trend_id, model, horizon_h);
-- Whether a feed's next job is due was asked of all jobs.
CREATE INDEX video_jobs_source ON video_jobs USING hash (source);
CREATE INDEX trends_chosen ON trends (chosen_at);
CREATE INDEX trend_items_url ON trend_items USING hash (url);

DO $$
BEGIN
    REVOKE ALL ON loop_epochs, loop_schedules, loop_ticks, post_results, post_marks, offer_checks
        FROM bookai_app;
    GRANT SELECT, INSERT (holder), UPDATE (seen_at, ended_at) ON loop_epochs TO bookai_app;
    GRANT SELECT, INSERT, UPDATE (every_s, next_slot, active) ON loop_schedules TO bookai_app;
    GRANT SELECT, INSERT, DELETE, UPDATE (epoch, tries, state, began_at, ended_at, note)
        ON loop_ticks TO bookai_app;
    GRANT SELECT, UPDATE (state, views, note, missed, error, read_at, tried_at, gone_at, next_at)
        ON post_results TO bookai_app;
    GRANT SELECT, INSERT ON post_marks TO bookai_app;
    GRANT SELECT, INSERT, UPDATE (url, state, missed, error, checked_at, since, next_at)
        ON offer_checks TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
