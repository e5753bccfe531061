-- Earned autonomy: the rungs of the ladder, under whose rule, what moved a channel, and each yes by rule.

-- One row for a channel to which an operator once granted a rule. `level` is what the studio may do
-- alone: nothing yet (manual), approve within the rule (limited), nothing any more (locked). `in_a_row`
-- counts people's unedited approvals since the grant or the last break. Without `granted` nothing is
-- counted until an operator grants anew.
CREATE TABLE autonomy (
    capability    text        NOT NULL CHECK (capability IN ('publish')),
    channel       text        NOT NULL CHECK (length(channel) BETWEEN 1 AND 100),
    level         text        NOT NULL DEFAULT 'manual' CHECK (level IN ('manual', 'limited', 'locked')),
    granted       boolean     NOT NULL DEFAULT true,
    after         integer     NOT NULL CHECK (after BETWEEN 3 AND 1000),
    per_day       integer     NOT NULL CHECK (per_day BETWEEN 1 AND 1000),
    time_zone     text        NOT NULL CHECK (length(time_zone) BETWEEN 1 AND 60),
    voice_version integer     NOT NULL CHECK (voice_version > 0),
    -- By key of the passport, the SHA-256 of its value as it was granted: another target is another grant.
    passport      jsonb       NOT NULL CHECK (passport ?& ARRAY['platform', 'account', 'language']),
    granted_by    text        NOT NULL CHECK (granted_by ~ '^operator:.' AND length(granted_by) <= 200),
    granted_at    timestamptz NOT NULL,
    in_a_row      integer     NOT NULL DEFAULT 0 CHECK (in_a_row >= 0),
    reason        text        NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    changed_at    timestamptz NOT NULL,
    changed_by    text        NOT NULL CHECK (length(changed_by) BETWEEN 1 AND 200),
    PRIMARY KEY (capability, channel),
    CHECK (level <> 'limited' OR (granted AND in_a_row >= after))
);

-- A yes by rule, written by `approve_by_rule` alone. `day` is the channel's own.
CREATE TABLE autonomy_approvals (
    approval_id bigint      PRIMARY KEY REFERENCES approvals (approval_id),
    capability  text        NOT NULL,
    channel     text        NOT NULL,
    digest      text        NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    approved_at timestamptz NOT NULL,
    day         date        NOT NULL,
    granted_by  text        NOT NULL CHECK (granted_by ~ '^operator:.'),
    FOREIGN KEY (capability, channel) REFERENCES autonomy (capability, channel)
);
CREATE INDEX autonomy_approvals_day ON autonomy_approvals (channel, day);
-- What a rule may answer is looked for at each tick of each channel.
CREATE INDEX approvals_waiting ON approvals (channel, approval_id) WHERE state = 'pending';

ALTER TABLE approvals DROP CONSTRAINT approvals_decided_by_check;
ALTER TABLE approvals ADD CONSTRAINT approvals_decided_by_check
    CHECK (decided_by ~ '^(operator:|rule:publish:).' AND length(decided_by) <= 200);

-- An event of the ladder, in the form in which the program writes its own: keys sorted, no blanks.
CREATE FUNCTION autonomy_note(kind text, actor text, rung autonomy, of_job bigint, of_approval bigint)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO audit_log (kind, actor, job_id, body)
    VALUES (kind, actor, of_job,
            format('{"after":%s,"approval_id":%s,"capability":%s,"channel":%s,"granted":%s,'
                   '"granted_by":%s,"in_a_row":%s,"job_id":%s,"level":%s,"passport":%s,"per_day":%s,'
                   '"reason":%s,"time_zone":%s,'
                   '"voice_version":%s}',
                   rung.after, coalesce(of_approval::text, 'null'), to_json(rung.capability),
                   to_json(rung.channel), to_json(rung.granted), to_json(rung.granted_by),
                   rung.in_a_row,
                   coalesce(of_job::text, 'null'), to_json(rung.level),
                   to_json(encode(sha256(convert_to(rung.passport::text, 'UTF8')), 'hex')),
                   rung.per_day, to_json(rung.reason), to_json(rung.time_zone), rung.voice_version));
$$;

-- An operator grants the rule: whatever was counted before counts no more.
CREATE FUNCTION autonomy_grant(of_channel text, k integer, cap integer, zone text, voice integer,
                               bound jsonb, who text, at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    rung autonomy;
BEGIN
    PERFORM at AT TIME ZONE zone;
    INSERT INTO autonomy AS u (capability, channel, after, per_day, time_zone, voice_version,
                               passport, granted_by, granted_at, reason, changed_at, changed_by)
    VALUES ('publish', of_channel, k, cap, zone, voice, bound, who, at, 'granted by ' || who, at, who)
    ON CONFLICT (capability, channel) DO UPDATE
       SET level = 'manual', granted = true, after = excluded.after, per_day = excluded.per_day,
           time_zone = excluded.time_zone, voice_version = excluded.voice_version,
           passport = excluded.passport,
           granted_by = excluded.granted_by, granted_at = excluded.granted_at, in_a_row = 0,
           reason = excluded.reason, changed_at = excluded.changed_at,
           changed_by = excluded.changed_by
    RETURNING u.* INTO rung;
    PERFORM autonomy_note('autonomy.granted', who, rung, NULL, NULL);
END $$;

-- Down the ladder, which anybody may do. True when it changed something: said twice, it is told once.
CREATE FUNCTION autonomy_lock(of_channel text, to_level text, why text, who text, at timestamptz,
                              keeps_grant boolean, of_job bigint, of_approval bigint)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    rung   autonomy;
    before text;
BEGIN
    IF to_level NOT IN ('manual', 'locked') THEN
        RAISE EXCEPTION 'nothing is locked by making it %', to_level
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT u.level INTO before
      FROM autonomy u
     WHERE u.capability = 'publish' AND u.channel = of_channel
       FOR UPDATE;
    UPDATE autonomy u
       SET level = CASE WHEN keeps_grant AND before <> 'limited' THEN before ELSE to_level END,
           granted = u.granted AND keeps_grant, in_a_row = 0, reason = left(why, 500),
           changed_at = at, changed_by = who
     WHERE u.capability = 'publish'
       AND u.channel = of_channel
       AND u.granted
       AND (NOT keeps_grant OR u.in_a_row > 0)
    RETURNING u.* INTO rung;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM autonomy_note(
        CASE WHEN before = 'limited' OR rung.level <> before THEN 'autonomy.locked'
             ELSE 'autonomy.reset' END,
        who, rung, of_job, of_approval);
    RETURN before = 'limited' OR NOT keeps_grant;
END $$;

-- Each decision of a person moves the channel, whichever door it came through. What somebody changed
-- before his yes was not approved as the studio made it: its question was void once.
CREATE FUNCTION autonomy_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    rung autonomy;
    changed boolean;
BEGIN
    changed := EXISTS (SELECT FROM approvals b
                        WHERE b.job_id = NEW.job_id
                          AND b.approval_id < NEW.approval_id
                          AND b.state = 'void')
            OR EXISTS (SELECT FROM approval_edits e WHERE e.approval_id = NEW.approval_id);
    IF NEW.state = 'rejected' OR changed THEN
        PERFORM autonomy_lock(NEW.channel, 'locked',
            format('approval %s was %s by %s', NEW.approval_id,
                   CASE WHEN NEW.state = 'rejected' THEN 'rejected' ELSE 'changed and approved' END,
                   NEW.decided_by),
            NEW.decided_by, NEW.decided_at, true, NEW.job_id, NEW.approval_id);
        RETURN NULL;
    END IF;
    UPDATE autonomy u
       SET in_a_row = u.in_a_row + 1
     WHERE u.capability = 'publish'
       AND u.channel = NEW.channel
       AND u.granted
       AND NEW.requested_at >= u.granted_at
    RETURNING u.* INTO rung;
    IF rung.level IN ('manual', 'locked') AND rung.in_a_row >= rung.after THEN
        UPDATE autonomy u
           SET level = 'limited', changed_at = NEW.decided_at, changed_by = NEW.decided_by,
               reason = format('%s unedited approvals in a row', u.in_a_row)
         WHERE u.capability = 'publish'
           AND u.channel = NEW.channel
        RETURNING u.* INTO rung;
        PERFORM autonomy_note('autonomy.earned', NEW.decided_by, rung, NEW.job_id, NEW.approval_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER autonomy_count AFTER UPDATE ON approvals
    FOR EACH ROW WHEN (OLD.state = 'pending' AND NEW.state IN ('approved', 'rejected')
                       AND NEW.decided_by LIKE 'operator:%')
    EXECUTE FUNCTION autonomy_count();

CREATE FUNCTION autonomy_sha(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(sha256(convert_to(value::text, 'UTF8')), 'hex');
$$;

-- The studio's own yes, under an operator's rule: the one way to it. Who comes second waits for the
-- channel's row, so that two at once cannot exceed the cap.
CREATE FUNCTION approve_by_rule(of_approval bigint, of_digest text, at timestamptz, words text,
                                bound jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    asked approvals;
    rung  autonomy;
    job   jsonb;
    today date;
    used  integer;
    why   text;
BEGIN
    SELECT a.* INTO asked FROM approvals a WHERE a.approval_id = of_approval FOR UPDATE;
    SELECT u.* INTO rung
      FROM autonomy u
     WHERE u.capability = 'publish' AND u.channel = asked.channel
       FOR UPDATE;
    today := (at AT TIME ZONE rung.time_zone)::date;
    -- Of later days as well: a clock that goes back opens no second day.
    SELECT count(*) INTO used
      FROM autonomy_approvals y
     WHERE y.channel = asked.channel AND y.day >= today;
    SELECT j.record INTO job FROM video_jobs j WHERE j.job_id = asked.job_id;
    why := CASE
        WHEN rung.level IS DISTINCT FROM 'limited' THEN 'the channel has not earned it'
        WHEN NOT rung.granted OR rung.in_a_row < rung.after THEN 'the channel has not earned it'
        WHEN rung.passport IS DISTINCT FROM bound THEN 'the passport is not the one that was granted'
        WHEN autonomy_sha(asked.post -> 'platform') IS DISTINCT FROM rung.passport ->> 'platform'
             OR autonomy_sha(asked.post -> 'account') IS DISTINCT FROM rung.passport ->> 'account'
            THEN 'it goes to another account than was granted'
        WHEN asked.state <> 'pending' THEN 'it is ' || asked.state
        WHEN at >= asked.expires_at OR at < asked.requested_at THEN 'its time is not now'
        WHEN asked.digest IS DISTINCT FROM of_digest THEN 'it asks about other bytes'
        WHEN asked.needed <> 1 OR cardinality(asked.approvers) > 0 THEN 'named people answer it'
        WHEN EXISTS (SELECT FROM approval_votes v WHERE v.approval_id = of_approval)
            THEN 'a person has answered'
        WHEN EXISTS (SELECT FROM approvals b
                      WHERE b.job_id = asked.job_id AND b.approval_id <> of_approval)
            THEN 'its job was asked about before'
        WHEN asked.post ->> 'offer_url' IS NOT NULL OR asked.post ->> 'offer_name' IS NOT NULL
             OR asked.post ->> 'disclosure' <> ''
             OR asked.post -> 'flags' -> 'paid_promotion' IS DISTINCT FROM 'false'::jsonb
            THEN 'it earns something'
        WHEN job -> 'check' -> 'ok' IS DISTINCT FROM 'true'::jsonb
             OR job -> 'check' @> '{"findings":[{"ok":false}]}' THEN 'a check is not green'
        WHEN EXISTS (SELECT FROM pauses p WHERE p.scope IN ('', asked.channel))
            THEN 'the channel is paused'
        WHEN used >= rung.per_day THEN format('%s of %s are used today', used, rung.per_day)
    END;
    IF asked.approval_id IS NULL OR why IS NOT NULL THEN
        RAISE EXCEPTION 'approval % is not for a rule: %', of_approval, coalesce(why, 'there is none')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approve_by_rule';
    END IF;
    INSERT INTO autonomy_approvals (approval_id, capability, channel, digest, approved_at, day,
                                    granted_by)
    VALUES (of_approval, 'publish', asked.channel, of_digest, at, today, rung.granted_by);
    UPDATE approvals a
       SET state = 'approved', decided_by = 'rule:publish:' || asked.channel, decided_at = at,
           note = words
     WHERE a.approval_id = of_approval;
END $$;

-- No answer without the votes that carry it, or the rule that an operator granted.
CREATE OR REPLACE FUNCTION approvals_count() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    said record;
BEGIN
    IF NEW.decided_by LIKE 'rule:%' THEN
        IF NEW.state <> 'approved'
           OR NEW.decided_by <> 'rule:publish:' || NEW.channel
           OR NOT EXISTS (SELECT FROM autonomy_approvals y
                           WHERE y.approval_id = NEW.approval_id
                             AND y.channel = NEW.channel
                             AND y.digest = NEW.digest
                             AND y.approved_at = NEW.decided_at) THEN
            RAISE EXCEPTION 'approval % cannot be % by %: no rule says so', NEW.approval_id,
                NEW.state, NEW.decided_by USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    SELECT count(*) FILTER (WHERE v.approve) AS yes,
           count(*) FILTER (WHERE NOT v.approve) AS no,
           bool_or(v.voter = NEW.decided_by AND v.approve = (NEW.state = 'approved')) AS by_voter
      INTO said
      FROM approval_votes v
     WHERE v.approval_id = NEW.approval_id;
    IF said.by_voter IS NOT TRUE
       OR (NEW.state = 'approved' AND (said.yes < NEW.needed OR said.no > 0))
       OR (NEW.state = 'rejected' AND said.no = 0) THEN
        RAISE EXCEPTION 'approval % cannot be % by %: % said yes, % said no, % are needed',
            NEW.approval_id, NEW.state, NEW.decided_by, said.yes, said.no, NEW.needed
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

-- As before, and a yes by rule counts only while its channel has what it had earned then: a lock stops
-- what has not been sent, for good. The locks keep both as they are until the move to `sending` is committed.
CREATE OR REPLACE FUNCTION social_posts_check_approved(post social_posts) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    yes approvals;
BEGIN
    SELECT a.* INTO yes
      FROM approvals a
     WHERE a.job_id = post.job_id
       AND a.digest = post.digest
       AND a.state = 'approved'
       AND a.expires_at > clock_timestamp()
       FOR SHARE;
    IF FOUND AND yes.decided_by LIKE 'rule:%' THEN
        PERFORM autonomy_hold(yes.channel, yes.decided_at);
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'post % of job %: no approval of exactly this counts now', post.post_id,
            post.job_id USING ERRCODE = 'check_violation', CONSTRAINT = 'social_posts_approved';
    END IF;
END $$;

-- As the table's owner: a lock on a row takes a right to change it, which the program has not.
CREATE FUNCTION autonomy_hold(of_channel text, since timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM FROM autonomy u
      WHERE u.capability = 'publish'
        AND u.channel = of_channel
        AND u.level = 'limited'
        AND u.changed_at <= since
        FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'channel % is locked: its yes by rule counts no more', of_channel
            USING ERRCODE = 'check_violation', CONSTRAINT = 'social_posts_approved';
    END IF;
END $$;

-- A temporary table of the caller's making must not stand in for ours when rules are checked.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['autonomy_note(text, text, autonomy, bigint, bigint)',
        'autonomy_grant(text, integer, integer, text, integer, jsonb, text, timestamptz)',
        'autonomy_lock(text, text, text, text, timestamptz, boolean, bigint, bigint)',
        'autonomy_count()', 'autonomy_sha(jsonb)', 'approve_by_rule(bigint, text, timestamptz, text, jsonb)',
        'autonomy_hold(text, timestamptz)', 'approvals_count()',
        'social_posts_check_approved(social_posts)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
        IF name LIKE 'approve_by_rule%' OR name LIKE 'autonomy%' THEN
            EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
        END IF;
    END LOOP;
END $$;

DO $$
BEGIN
    REVOKE ALL ON autonomy, autonomy_approvals FROM bookai_app;
    GRANT SELECT ON autonomy, autonomy_approvals TO bookai_app;
    GRANT EXECUTE ON FUNCTION
        autonomy_grant(text, integer, integer, text, integer, jsonb, text, timestamptz),
        autonomy_lock(text, text, text, text, timestamptz, boolean, bigint, bigint),
        approve_by_rule(bigint, text, timestamptz, text, jsonb), autonomy_hold(text, timestamptz) TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
