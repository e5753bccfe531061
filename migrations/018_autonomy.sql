-- Earned autonomy: the rungs of the ladder, and what moved a channel on it.

-- `level` is what the studio may do alone for a channel. `since_approval` is the last approval that counts no more:
-- after a lock the row of unedited approvals begins anew.
CREATE TABLE autonomy (
    capability     text        NOT NULL CHECK (capability IN ('publish')),
    channel        text        NOT NULL CHECK (length(channel) BETWEEN 1 AND 100),
    level          text        NOT NULL DEFAULT 'manual' CHECK (level IN ('manual', 'limited', 'locked')),
    since_approval bigint      NOT NULL DEFAULT 0 CHECK (since_approval >= 0),
    reason         text        NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    changed_at     timestamptz NOT NULL DEFAULT now(),
    changed_by     text        NOT NULL DEFAULT 'studio' CHECK (length(changed_by) BETWEEN 1 AND 200),
    PRIMARY KEY (capability, channel)
);

DO $$
BEGIN
    REVOKE ALL ON autonomy FROM bookai_app;
    GRANT SELECT, INSERT, UPDATE (level, since_approval, reason, changed_at, changed_by)
        ON autonomy TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
