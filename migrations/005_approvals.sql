-- Approvals by more than one person, in bundles, by delegates and by one-time links.

-- Who may answer is fixed when the question is asked: no later setting weakens it.
ALTER TABLE approvals
    ADD COLUMN channel      text CHECK (length(channel) BETWEEN 1 AND 100),
    ADD COLUMN requested_by text CHECK (length(requested_by) BETWEEN 1 AND 200),
    ADD COLUMN needed       integer NOT NULL DEFAULT 1 CHECK (needed BETWEEN 1 AND 5),
    ADD COLUMN approvers    text[] NOT NULL DEFAULT '{}'
               CHECK (cardinality(approvers) = 0 OR cardinality(approvers) >= needed),
    ADD COLUMN own_jobs     boolean NOT NULL DEFAULT true,
    -- The approval that this one replaces: its post was edited, or it expired and is asked anew.
    ADD COLUMN follows      bigint UNIQUE REFERENCES approvals (approval_id);

UPDATE approvals a
   SET channel = j.channel, requested_by = j.requested_by
  FROM video_jobs j
 WHERE j.job_id = a.job_id;

ALTER TABLE approvals
    ALTER COLUMN channel SET NOT NULL,
    ALTER COLUMN requested_by SET NOT NULL;

-- An approver's right for one channel, lent to one person: at most `cap` times yes, until `ends_at`.
CREATE TABLE approval_delegations (
    delegation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel       text NOT NULL CHECK (length(channel) BETWEEN 1 AND 100),
    lender        text NOT NULL CHECK (lender ~ '^operator:.' AND length(lender) <= 200),
    delegate      text NOT NULL CHECK (delegate ~ '^operator:.' AND length(delegate) <= 200),
    cap           integer NOT NULL CHECK (cap BETWEEN 1 AND 1000),
    used          integer NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    revoked_by    text CHECK (revoked_by ~ '^operator:.' AND length(revoked_by) <= 200),
    revoked_at    timestamptz,
    CHECK (used BETWEEN 0 AND cap),
    CHECK (lender <> delegate),
    CHECK (ends_at > created_at AND ends_at <= created_at + interval '366 days'),
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
);
CREATE INDEX approval_delegations_delegate ON approval_delegations (delegate, channel)
    WHERE revoked_at IS NULL;

-- A signed link for one person and one approval; the token itself is never kept.
CREATE TABLE approval_links (
    link_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    approval_id bigint NOT NULL REFERENCES approvals (approval_id),
    digest      text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    operator    text NOT NULL CHECK (operator ~ '^operator:.' AND length(operator) <= 200),
    made_by     text NOT NULL CHECK (made_by ~ '^operator:.' AND length(made_by) <= 200),
    sha256      bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    CHECK (expires_at > created_at)
);
CREATE INDEX approval_links_approval ON approval_links (approval_id);

-- One person's word. `right_of` is whose right it is (the lender's, for a delegate); `hand` is who
-- held the means (a link's maker could open it himself). Each of the three counts once, and nobody is
-- voter of one and hand of another.
CREATE TABLE approval_votes (
    approval_id   bigint NOT NULL REFERENCES approvals (approval_id),
    voter         text NOT NULL CHECK (voter ~ '^operator:.' AND length(voter) <= 200),
    approve       boolean NOT NULL,
    voted_at      timestamptz NOT NULL,
    reason        text NOT NULL DEFAULT '' CHECK (length(reason) <= 2000),
    via           text NOT NULL CHECK (via IN ('cli', 'mcp', 'web', 'link')),
    digest        text NOT NULL,
    right_of      text NOT NULL CHECK (right_of ~ '^operator:.'),
    hand          text NOT NULL CHECK (hand ~ '^operator:.'),
    delegation_id bigint REFERENCES approval_delegations (delegation_id),
    link_id       bigint UNIQUE REFERENCES approval_links (link_id),
    batch_id      text CHECK (batch_id ~ '^[0-9a-f-]{36}$'),
    PRIMARY KEY (approval_id, voter, approve),
    UNIQUE (approval_id, right_of, approve),
    UNIQUE (approval_id, hand, approve),
    CHECK ((voter = right_of) = (delegation_id IS NULL)),
    CHECK ((via = 'link') = (link_id IS NOT NULL)),
    CHECK (approve OR length(btrim(reason)) > 0)
);
CREATE INDEX approval_votes_delegation ON approval_votes (delegation_id)
    WHERE delegation_id IS NOT NULL;
CREATE INDEX approval_votes_batch ON approval_votes (batch_id) WHERE batch_id IS NOT NULL;

-- Decisions of before count as what they were: one person's word.
INSERT INTO approval_votes (approval_id, voter, approve, voted_at, reason, via, digest, right_of, hand)
SELECT a.approval_id, a.decided_by, a.state <> 'rejected', a.decided_at, coalesce(a.note, ''), 'cli',
       a.digest, a.decided_by, a.decided_by
  FROM approvals a
 WHERE a.decided_by IS NOT NULL;

-- What an operator changed before his yes.
CREATE TABLE approval_edits (
    approval_id bigint NOT NULL REFERENCES approvals (approval_id),
    field       text NOT NULL CHECK (field IN ('title', 'caption', 'hashtags')),
    before      text NOT NULL CHECK (length(before) <= 20000),
    after       text NOT NULL CHECK (length(after) <= 20000),
    edited_by   text NOT NULL CHECK (edited_by ~ '^operator:.' AND length(edited_by) <= 200),
    PRIMARY KEY (approval_id, field),
    CHECK (before <> after)
);

-- An approval begins pending; one that replaces another changes nothing but words, and hides neither
-- the disclosure nor the source.
CREATE FUNCTION approvals_begin() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    earlier record;
    words   constant text[] := '{title,caption,hashtags}';
BEGIN
    IF NEW.state <> 'pending' THEN
        RAISE EXCEPTION 'an approval begins pending, not %', NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT j.channel, j.requested_by
      INTO NEW.channel, NEW.requested_by
      FROM video_jobs j
     WHERE j.job_id = NEW.job_id;
    IF NEW.follows IS NULL THEN
        RETURN NEW;
    END IF;
    SELECT a.job_id, a.state, a.post, a.post ->> 'caption' AS caption
      INTO earlier
      FROM approvals a
     WHERE a.approval_id = NEW.follows;
    IF earlier.job_id IS DISTINCT FROM NEW.job_id OR earlier.state NOT IN ('void', 'expired')
       OR earlier.post - words <> NEW.post - words
       OR (starts_with(earlier.caption, NEW.post ->> 'disclosure')
           AND starts_with(NEW.post ->> 'caption', NEW.post ->> 'disclosure') IS NOT TRUE)
       OR (strpos(earlier.caption, NEW.post ->> 'source_credit') > 0
           AND coalesce(strpos(NEW.post ->> 'caption', NEW.post ->> 'source_credit'), 0) = 0)
       OR (strpos(earlier.caption, NEW.post ->> 'source_url') > 0
           AND coalesce(strpos(NEW.post ->> 'caption', NEW.post ->> 'source_url'), 0) = 0) THEN
        RAISE EXCEPTION 'approval % cannot be replaced by this: only title, caption and hashtags '
            'may differ, and disclosure and source stay', NEW.follows
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_begin BEFORE INSERT ON approvals
    FOR EACH ROW EXECUTE FUNCTION approvals_begin();

CREATE OR REPLACE FUNCTION approvals_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> NEW.state
       AND NOT (OLD.state = 'pending' AND NEW.state IN ('approved', 'rejected', 'expired', 'void'))
       AND NOT (OLD.state = 'approved' AND NEW.state IN ('expired', 'void')) THEN
        RAISE EXCEPTION 'approval % is %: it cannot become %', OLD.approval_id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF NOT (OLD.state = 'pending' AND NEW.state IN ('approved', 'rejected'))
       AND ((OLD.decided_by, OLD.decided_at) IS DISTINCT FROM (NEW.decided_by, NEW.decided_at)
            OR (NEW.note IS DISTINCT FROM OLD.note AND NEW.note IS DISTINCT FROM '(erased)')) THEN
        RAISE EXCEPTION 'approval % was decided by %: that stays', OLD.approval_id,
            coalesce(OLD.decided_by, 'nobody')
            USING ERRCODE = 'check_violation';
    END IF;
    IF (OLD.approval_id, OLD.job_id, OLD.digest, OLD.post, OLD.video_path, OLD.channel,
        OLD.requested_by, OLD.requested_at, OLD.expires_at, OLD.needed, OLD.approvers, OLD.own_jobs,
        OLD.follows)
       IS DISTINCT FROM
       (NEW.approval_id, NEW.job_id, NEW.digest, NEW.post, NEW.video_path, NEW.channel,
        NEW.requested_by, NEW.requested_at, NEW.expires_at, NEW.needed, NEW.approvers, NEW.own_jobs,
        NEW.follows) THEN
        RAISE EXCEPTION 'what approval % asks cannot change: ask anew', OLD.approval_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

-- No answer without the votes that carry it.
CREATE FUNCTION approvals_count() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    said record;
BEGIN
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
-- Its name sorts after approvals_guard: an illegal move is told as such.
CREATE TRIGGER approvals_votes BEFORE UPDATE ON approvals
    FOR EACH ROW WHEN (OLD.state = 'pending' AND NEW.state IN ('approved', 'rejected'))
    EXECUTE FUNCTION approvals_count();

-- A vote is given while the question is open, by one who may; a lent right is counted as it is used.
CREATE FUNCTION approval_votes_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    asked record;
BEGIN
    SELECT a.state, a.expires_at, a.digest, a.channel, a.requested_by, a.approvers, a.own_jobs
      INTO asked
      FROM approvals a
     WHERE a.approval_id = NEW.approval_id
       FOR UPDATE;
    IF asked.state IS DISTINCT FROM 'pending' OR NEW.voted_at >= asked.expires_at
       OR NEW.digest <> asked.digest THEN
        RAISE EXCEPTION 'approval % is not open for this vote', NEW.approval_id
            USING ERRCODE = 'check_violation';
    END IF;
    IF (cardinality(asked.approvers) > 0
        AND (NEW.right_of <> ALL (asked.approvers)
             OR (NEW.hand <> NEW.voter AND NEW.hand <> ALL (asked.approvers))))
       OR (NEW.approve AND NOT asked.own_jobs
           AND asked.requested_by IN (NEW.voter, NEW.right_of, NEW.hand)) THEN
        RAISE EXCEPTION '% may not vote on approval %', NEW.voter, NEW.approval_id
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT
                 FROM approval_votes v
                WHERE v.approval_id = NEW.approval_id
                  AND v.approve = NEW.approve
                  AND ARRAY[v.voter, v.hand] && ARRAY[NEW.voter, NEW.hand]) THEN
        RAISE EXCEPTION '% or % has a hand in another vote on approval %', NEW.voter, NEW.hand,
            NEW.approval_id
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.link_id IS NULL THEN
        IF NEW.hand <> NEW.voter THEN
            RAISE EXCEPTION 'only a link puts the vote of % into another hand', NEW.voter
                USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NOT EXISTS (SELECT
                        FROM approval_links l
                       WHERE l.link_id = NEW.link_id
                         AND l.approval_id = NEW.approval_id
                         AND l.digest = NEW.digest
                         AND l.operator = NEW.voter
                         AND l.made_by = NEW.hand
                         AND l.used_at = NEW.voted_at
                         AND l.expires_at > NEW.voted_at) THEN
        RAISE EXCEPTION 'link % does not carry this vote', NEW.link_id
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.delegation_id IS NOT NULL THEN
        UPDATE approval_delegations d
           SET used = d.used + CASE WHEN NEW.approve THEN 1 ELSE 0 END
         WHERE d.delegation_id = NEW.delegation_id
           AND d.channel = asked.channel
           AND d.lender = NEW.right_of
           AND d.delegate = NEW.voter
           AND d.revoked_at IS NULL
           AND d.ends_at > NEW.voted_at
           AND d.used < d.cap;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'delegation % does not carry this vote', NEW.delegation_id
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_votes_guard BEFORE INSERT ON approval_votes
    FOR EACH ROW EXECUTE FUNCTION approval_votes_guard();

-- A vote stays; only its words can be erased on the person's request.
CREATE FUNCTION approval_votes_stay() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(OLD) - 'reason' <> to_jsonb(NEW) - 'reason' OR NEW.reason <> '(erased)' THEN
        RAISE EXCEPTION 'the vote of % on approval % stays', OLD.voter, OLD.approval_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_votes_stay BEFORE UPDATE ON approval_votes
    FOR EACH ROW EXECUTE FUNCTION approval_votes_stay();

-- A count only grows, by one; what is revoked stays revoked; the terms never change.
CREATE FUNCTION approval_delegations_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(OLD) - '{used,revoked_by,revoked_at}'::text[]
       <> to_jsonb(NEW) - '{used,revoked_by,revoked_at}'::text[]
       OR NEW.used NOT IN (OLD.used, OLD.used + 1)
       OR (OLD.revoked_at IS NOT NULL
           AND (OLD.revoked_by, OLD.revoked_at, OLD.used)
               IS DISTINCT FROM (NEW.revoked_by, NEW.revoked_at, NEW.used)) THEN
        RAISE EXCEPTION 'delegation % cannot be changed so: make a new one', OLD.delegation_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_delegations_guard BEFORE UPDATE ON approval_delegations
    FOR EACH ROW EXECUTE FUNCTION approval_delegations_guard();

CREATE FUNCTION approval_links_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.used_at IS NOT NULL OR to_jsonb(OLD) - 'used_at' <> to_jsonb(NEW) - 'used_at' THEN
        RAISE EXCEPTION 'link % is used up or cannot be changed', OLD.link_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_links_guard BEFORE UPDATE ON approval_links
    FOR EACH ROW EXECUTE FUNCTION approval_links_guard();

-- The only way to erase reaches a person's words here as well, also those from before there was a
-- place beside the log. Each text counts where it stood.
CREATE OR REPLACE FUNCTION audit_erase(whose text, who text, why text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    fields  integer;
    events  integer;
    notes   integer;
    reasons integer;
BEGIN
    WITH gone AS (DELETE FROM audit_personal WHERE subject = whose RETURNING event_id)
    SELECT count(*), count(DISTINCT event_id) INTO fields, events FROM gone;
    UPDATE approvals SET note = '(erased)'
     WHERE decided_by = whose AND note NOT IN ('', '(erased)');
    GET DIAGNOSTICS notes = ROW_COUNT;
    UPDATE approval_votes SET reason = '(erased)'
     WHERE voter = whose AND reason NOT IN ('', '(erased)');
    GET DIAGNOSTICS reasons = ROW_COUNT;
    INSERT INTO audit_log (kind, actor, body)
    VALUES ('personal.erased', who,
            format('{"approvals":%s,"events":%s,"fields":%s,"reason":%s}',
                   notes + reasons, events, fields, to_json(why)));
    RETURN fields + notes + reasons;
END $$;

-- A temporary table of the caller's making must not stand in for ours when rules are checked.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['approvals_begin', 'approvals_guard', 'approvals_count',
        'approval_votes_guard', 'approval_votes_stay', 'approval_delegations_guard',
        'approval_links_guard'] LOOP
        EXECUTE format('ALTER FUNCTION %I() SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
    -- Replacing it took that away.
    EXECUTE format('ALTER FUNCTION audit_erase(text, text, text) SET search_path = %I, pg_temp',
                   current_schema());
END $$;

DO $$
BEGIN
    REVOKE ALL ON approval_delegations, approval_links, approval_votes, approval_edits
        FROM bookai_app;

    GRANT SELECT, INSERT ON approval_votes, approval_edits TO bookai_app;
    GRANT SELECT, INSERT (channel, lender, delegate, cap, created_at, ends_at),
        UPDATE (used, revoked_by, revoked_at) ON approval_delegations TO bookai_app;
    GRANT SELECT, INSERT (approval_id, digest, operator, made_by, sha256, created_at, expires_at),
        UPDATE (used_at) ON approval_links TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
