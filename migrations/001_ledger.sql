-- The ledger: what happened (audit), what an operator allowed (approvals), what went out (posts), who may call (tokens).

-- One event a row, written in the same transaction as what it tells of. Nothing is hashed here:
-- the sealer does that later, so that writing stays cheap. `body` is the exact text that is hashed.
-- `xid` lets the sealer take only rows that no running transaction can still add to.
CREATE TABLE audit_log (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid    xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind   text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_.]{0,63}$'),
    actor  text NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
    job_id bigint,
    body   text NOT NULL CHECK (octet_length(body) <= 65536)
);
CREATE INDEX audit_log_xid ON audit_log (xid, id);
CREATE INDEX audit_log_kind ON audit_log (kind, id);
CREATE INDEX audit_log_job ON audit_log (job_id, id) WHERE job_id IS NOT NULL;

-- The Merkle tree's leaves, in the order they were sealed. No foreign key: a leaf must outlive a
-- deleted event to accuse whoever deleted it.
CREATE TABLE audit_leaf (
    leaf_index bigint PRIMARY KEY CHECK (leaf_index >= 0),
    event_id   bigint NOT NULL UNIQUE,
    leaf       bytea NOT NULL CHECK (octet_length(leaf) = 32)
);

-- A signed note over everything before it. `frontier` is the right edge of the tree, enough to go on.
-- `hi_xid`: all events of transactions below it are sealed.
CREATE TABLE audit_checkpoint (
    tree_size bigint PRIMARY KEY CHECK (tree_size > 0),
    prev_size bigint NOT NULL UNIQUE CHECK (prev_size >= 0 AND prev_size < tree_size),
    root      bytea NOT NULL CHECK (octet_length(root) = 32),
    frontier  bytea[] NOT NULL,
    hi_xid    xid8 NOT NULL,
    note      text NOT NULL CHECK (octet_length(note) <= 2048),
    at        timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A second lock behind the privileges: it also stops the owner's own mistakes.
CREATE FUNCTION audit_deny() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER deny_change BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_deny();
CREATE TRIGGER deny_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_deny();
CREATE TRIGGER deny_change BEFORE UPDATE OR DELETE ON audit_leaf
    FOR EACH ROW EXECUTE FUNCTION audit_deny();
CREATE TRIGGER deny_truncate BEFORE TRUNCATE ON audit_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION audit_deny();
CREATE TRIGGER deny_change BEFORE UPDATE OR DELETE ON audit_checkpoint
    FOR EACH ROW EXECUTE FUNCTION audit_deny();
CREATE TRIGGER deny_truncate BEFORE TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION audit_deny();

-- An operator's word on exactly one post: `digest` is the SHA-256 of `post` as the program computes it.
CREATE TABLE approvals (
    approval_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id       bigint NOT NULL REFERENCES video_jobs (job_id),
    state        text NOT NULL DEFAULT 'pending'
                 CHECK (state IN ('pending', 'approved', 'rejected', 'expired', 'void')),
    digest       text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    post         jsonb NOT NULL CHECK (octet_length(post::text) <= 262144),
    video_path   text NOT NULL CHECK (length(video_path) <= 4096),
    requested_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    decided_by   text CHECK (decided_by ~ '^operator:.' AND length(decided_by) <= 200),
    decided_at   timestamptz,
    note         text CHECK (length(note) <= 2000),
    CHECK (expires_at > requested_at),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CHECK (state <> 'pending' OR decided_by IS NULL),
    CHECK (state NOT IN ('approved', 'rejected') OR decided_by IS NOT NULL),
    CHECK (state <> 'rejected' OR length(btrim(coalesce(note, ''))) > 0)
);
CREATE INDEX approvals_job ON approvals (job_id, approval_id);
-- At most one approval of a job is open, that is, can still let something out.
CREATE UNIQUE INDEX approvals_open ON approvals (job_id) WHERE state IN ('pending', 'approved');
CREATE INDEX approvals_expiry ON approvals (expires_at) WHERE state IN ('pending', 'approved');

CREATE FUNCTION approvals_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> NEW.state
       AND NOT (OLD.state = 'pending' AND NEW.state IN ('approved', 'rejected', 'expired', 'void'))
       AND NOT (OLD.state = 'approved' AND NEW.state IN ('expired', 'void')) THEN
        RAISE EXCEPTION 'approval % is %: it cannot become %', OLD.approval_id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.decided_by IS NOT NULL
       AND (OLD.decided_by, OLD.decided_at) IS DISTINCT FROM (NEW.decided_by, NEW.decided_at) THEN
        RAISE EXCEPTION 'approval % was decided by %: that stays', OLD.approval_id, OLD.decided_by
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_guard BEFORE UPDATE ON approvals
    FOR EACH ROW EXECUTE FUNCTION approvals_guard();

CREATE TABLE social_accounts (
    platform   text NOT NULL CHECK (length(platform) BETWEEN 1 AND 64),
    account    text NOT NULL CHECK (length(account) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, account)
);

-- The outbox: one row for each job and target, whatever happens, so nothing can be posted twice.
CREATE TABLE social_posts (
    post_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id          bigint NOT NULL REFERENCES video_jobs (job_id),
    platform        text NOT NULL,
    account         text NOT NULL,
    title           text NOT NULL CHECK (length(title) <= 1000),
    digest          text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    idempotency_key text NOT NULL UNIQUE DEFAULT 'bookai-' || gen_random_uuid(),
    state           text NOT NULL DEFAULT 'armed'
                    CHECK (state IN ('armed', 'sending', 'posted', 'unknown', 'failed')),
    attempt         integer NOT NULL DEFAULT 1 CHECK (attempt > 0),
    external_id     text CHECK (length(external_id) <= 500),
    url             text CHECK (length(url) <= 4096),
    reason          text CHECK (length(reason) <= 2000),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    published_at    timestamptz,
    UNIQUE (job_id, platform, account),
    FOREIGN KEY (platform, account) REFERENCES social_accounts (platform, account),
    CHECK ((state = 'posted')
           = (external_id IS NOT NULL AND url IS NOT NULL AND published_at IS NOT NULL))
);
CREATE INDEX social_posts_target ON social_posts (platform, account);
CREATE INDEX social_posts_undone ON social_posts (state, updated_at) WHERE state <> 'posted';

CREATE FUNCTION social_posts_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'posted' THEN
        RAISE EXCEPTION 'post % is out: its receipt stays', OLD.post_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER social_posts_guard BEFORE UPDATE ON social_posts
    FOR EACH ROW EXECUTE FUNCTION social_posts_guard();

-- Who may call over HTTP. Only the hash is kept. Whoever acts for an agent can never approve.
CREATE TABLE tokens (
    token_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$'),
    sha256     bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    scopes     text[] NOT NULL
               CHECK (cardinality(scopes) > 0
                      AND scopes <@ ARRAY['read', 'operate', 'approve', 'agent', 'admin']
                      AND NOT ('agent' = ANY (scopes) AND scopes && ARRAY['approve', 'admin'])),
    created_by text NOT NULL CHECK (length(created_by) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_by text CHECK (length(revoked_by) BETWEEN 1 AND 200),
    revoked_at timestamptz,
    CHECK (expires_at > created_at),
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
);
CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked_at IS NULL;

-- On a database where we may not create roles, the program runs as the owner: then only the
-- triggers above and the exported notes protect the log, and `bookai doctor` can say so.
DO $$
BEGIN
    REVOKE ALL ON audit_log, audit_leaf, audit_checkpoint, approvals, social_accounts, social_posts,
        tokens FROM bookai_app, bookai_sealer;

    GRANT SELECT ON audit_log, audit_leaf, audit_checkpoint TO bookai_app, bookai_sealer;
    -- No privilege on id, at and xid: the program cannot choose them, hence cannot back-date.
    GRANT INSERT (kind, actor, job_id, body) ON audit_log TO bookai_app;
    GRANT INSERT ON audit_leaf, audit_checkpoint TO bookai_sealer;

    GRANT SELECT, INSERT ON approvals, social_accounts, social_posts, tokens TO bookai_app;
    GRANT UPDATE (state, decided_by, decided_at, note) ON approvals TO bookai_app;
    GRANT UPDATE (title, digest, state, attempt, external_id, url, reason, updated_at, published_at)
        ON social_posts TO bookai_app;
    GRANT UPDATE (revoked_by, revoked_at) ON tokens TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no roles bookai_app and bookai_sealer here: grants are left out (%)', SQLERRM;
END $$;

-- The program seals by SET ROLE, inside one transaction. Without NOINHERIT it would hold the
-- sealer's privileges all the time. Apart from the block above, whose grants shall stay where an
-- owner may grant on tables but not change roles.
DO $$
BEGIN
    IF (SELECT rolinherit FROM pg_roles WHERE rolname = 'bookai_app') THEN
        ALTER ROLE bookai_app NOINHERIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_auth_members
                    WHERE roleid = 'bookai_sealer'::regrole
                      AND member = 'bookai_app'::regrole) THEN
        GRANT bookai_sealer TO bookai_app;
    END IF;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'bookai_app cannot be made a sealer here (%)', SQLERRM;
END $$;
