-- A yes by rule is decided by the database's own clock, and the function that gives it writes it down.

-- A body in the form in which the program writes its own: keys sorted, no blanks.
CREATE FUNCTION audit_text(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'object' THEN
            (SELECT '{' || coalesce(string_agg(to_json(e.key)::text || ':' || audit_text(e.value), ','
                                               ORDER BY e.key COLLATE "C"), '') || '}'
               FROM jsonb_each(value) AS e)
        WHEN 'array' THEN
            (SELECT '[' || coalesce(string_agg(audit_text(e.value), ',' ORDER BY e.place), '') || ']'
               FROM jsonb_array_elements(value) WITH ORDINALITY AS e (value, place))
        ELSE value::text
    END;
$$;

-- Who calls names no time any more: a false one opened a second day, or let an old yes count again.
DROP FUNCTION autonomy_grant(text, integer, integer, text, integer, jsonb, text, timestamptz);
CREATE FUNCTION autonomy_grant(of_channel text, k integer, cap integer, zone text, voice integer,
                               bound jsonb, who text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    at   constant timestamptz := clock_timestamp();
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

DROP FUNCTION autonomy_lock(text, text, text, text, timestamptz, boolean, bigint, bigint);
CREATE FUNCTION autonomy_lock(of_channel text, to_level text, why text, who text,
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
           changed_at = clock_timestamp(), changed_by = who
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

-- As before, by the same clock: a decision that says it was made long ago makes no old yes count.
CREATE OR REPLACE FUNCTION autonomy_count() RETURNS trigger
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
            NEW.decided_by, true, NEW.job_id, NEW.approval_id);
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
           SET level = 'limited', changed_at = clock_timestamp(), changed_by = NEW.decided_by,
               reason = format('%s unedited approvals in a row', u.in_a_row)
         WHERE u.capability = 'publish'
           AND u.channel = NEW.channel
        RETURNING u.* INTO rung;
        PERFORM autonomy_note('autonomy.earned', NEW.decided_by, rung, NEW.job_id, NEW.approval_id);
    END IF;
    RETURN NULL;
END $$;

-- The studio's own yes, under an operator's rule: the one way to it, and to its audit row. Who calls
-- says which approval, of which bytes, under which passport, and what he looked at; all else is
-- found here. Who comes second waits for the channel's row, so that two at once cannot exceed the cap.
DROP FUNCTION approve_by_rule(bigint, text, timestamptz, text, jsonb);
CREATE FUNCTION approve_by_rule(of_approval bigint, of_digest text, bound jsonb, looked_at text[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    asked approvals;
    rung  autonomy;
    job   video_jobs;
    at    timestamptz;
    today date;
    used  integer;
    who   text;
    why   text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- It would count what was said before its transaction began, and no more.
        RAISE EXCEPTION 'approval % is not for a rule: its transaction would not see what others say',
            of_approval USING ERRCODE = 'check_violation', CONSTRAINT = 'approve_by_rule';
    END IF;
    SELECT a.* INTO asked FROM approvals a WHERE a.approval_id = of_approval FOR UPDATE;
    SELECT u.* INTO rung
      FROM autonomy u
     WHERE u.capability = 'publish' AND u.channel = asked.channel
       FOR UPDATE;
    -- After the wait for both rows: whoever held them may have changed what counts from when.
    at := clock_timestamp();
    who := 'rule:publish:' || asked.channel;
    today := (at AT TIME ZONE rung.time_zone)::date;
    -- Of later days as well: a clock that goes back opens no second day.
    SELECT count(*) INTO used
      FROM autonomy_approvals y
     WHERE y.channel = asked.channel AND y.day >= today;
    SELECT j.* INTO job FROM video_jobs j WHERE j.job_id = asked.job_id;
    why := CASE
        WHEN rung.level IS DISTINCT FROM 'limited' THEN 'the channel has not earned it'
        WHEN NOT rung.granted OR rung.in_a_row < rung.after THEN 'the channel has not earned it'
        WHEN rung.passport IS DISTINCT FROM bound THEN 'the passport is not the one that was granted'
        WHEN job.channel IS DISTINCT FROM asked.channel THEN 'its job is of another channel'
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
        WHEN job.record -> 'check' -> 'ok' IS DISTINCT FROM 'true'::jsonb
             OR job.record -> 'check' @> '{"findings":[{"ok":false}]}' THEN 'a check is not green'
        WHEN (cardinality(looked_at) BETWEEN 1 AND 100
              AND (SELECT bool_and(length(one) BETWEEN 1 AND 100) FROM unnest(looked_at) AS one))
             IS NOT TRUE THEN 'what was looked at is not told in 1 to 100 short names'
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
       SET state = 'approved', decided_by = who, decided_at = at,
           note = format('by rule, granted by %s: %s unedited approvals in a row (%s needed), '
                         '%s of %s today',
                         rung.granted_by, rung.in_a_row, rung.after, used + 1, rung.per_day)
     WHERE a.approval_id = of_approval;
    -- No words of the world: the event that asked has them, and the digest covers them all.
    INSERT INTO audit_log (kind, actor, job_id, body)
    VALUES ('approval.decided', who, asked.job_id, audit_text(jsonb_build_object(
        'approval_id', of_approval, 'job_id', asked.job_id, 'decision', 'approved',
        'decided_at', at, 'digest', of_digest, 'via', 'rule', 'yes', '[]'::jsonb, 'needed', 1,
        'target', jsonb_build_object(
            'platform', asked.post -> 'platform', 'account', asked.post -> 'account'),
        'rule', jsonb_build_object(
            'name', who, 'granted_by', rung.granted_by, 'granted_at', rung.granted_at,
            'after', rung.after, 'in_a_row', rung.in_a_row,
            'earned_by', autonomy_earned_by(rung), 'per_day', rung.per_day,
            'used_today', used + 1, 'day', today, 'time_zone', rung.time_zone,
            'voice_version', rung.voice_version, 'passport', autonomy_sha(rung.passport),
            'checks', to_jsonb(looked_at)))));
END $$;

-- Which approvals of people a rule rests on: the newest of the row.
CREATE FUNCTION autonomy_earned_by(rung autonomy) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(e.approval_id ORDER BY e.approval_id), '[]')
      FROM (SELECT a.approval_id
              FROM approvals a
             WHERE a.channel = rung.channel
               AND a.decided_by LIKE 'operator:%'
               AND a.requested_at >= rung.granted_at
               AND a.state <> 'rejected'
             ORDER BY a.decided_at DESC, a.approval_id DESC
             LIMIT rung.after) AS e;
$$;

-- A temporary table of the caller's making must not stand in for ours when rules are checked: also
-- not for the jobs from which an approval takes its channel, or for the approvals that are voted on.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'autonomy_grant(text, integer, integer, text, integer, jsonb, text)',
        'autonomy_lock(text, text, text, text, boolean, bigint, bigint)',
        'autonomy_count()', 'autonomy_earned_by(autonomy)',
        'approve_by_rule(bigint, text, jsonb, text[])',
        'approvals_begin()', 'approval_votes_guard()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
        IF name LIKE 'approve_by_rule%' OR name LIKE 'autonomy%' THEN
            EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
        END IF;
    END LOOP;
    -- Times stand in its event as the program writes them, whatever zone the caller set.
    ALTER FUNCTION approve_by_rule(bigint, text, jsonb, text[]) SET timezone = 'UTC';
END $$;

DO $$
BEGIN
    GRANT EXECUTE ON FUNCTION
        autonomy_grant(text, integer, integer, text, integer, jsonb, text),
        autonomy_lock(text, text, text, text, boolean, bigint, bigint),
        approve_by_rule(bigint, text, jsonb, text[]) TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
