-- What model calls may cost: reserved before a call, settled after it, so that no cap is passed.

-- Money is integer microcents (a millionth of a cent). A day is one in UTC. `held` is what calls at
-- work may still cost, `spent` what ended ones did; every row of `model_reservations` counts in
-- exactly one of the two, or was released.
CREATE TABLE model_days (
    provider text   NOT NULL CHECK (provider ~ '^[a-z][a-z0-9_]{0,39}$'),
    day      date   NOT NULL,
    held     bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    spent    bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
    PRIMARY KEY (provider, day)
);

-- `lapsed`: whoever made it never said what the call cost. The provider may have billed it, so it
-- counts in full; who knows better may still settle it.
CREATE TABLE model_reservations (
    call_id  text        PRIMARY KEY CHECK (length(call_id) BETWEEN 1 AND 100),
    provider text        NOT NULL,
    day      date        NOT NULL,
    held     bigint      NOT NULL CHECK (held >= 0),
    spent    bigint      CHECK (spent >= 0),
    state    text        NOT NULL DEFAULT 'held'
                         CHECK (state IN ('held', 'settled', 'released', 'lapsed')),
    made_at  timestamptz NOT NULL,
    ended_at timestamptz,
    FOREIGN KEY (provider, day) REFERENCES model_days,
    CHECK ((state = 'held') = (spent IS NULL) AND (state = 'held') = (ended_at IS NULL)),
    CHECK (state <> 'released' OR spent = 0)
);
CREATE INDEX model_reservations_day ON model_reservations (provider, day);
CREATE INDEX model_reservations_held ON model_reservations (provider, made_at)
    WHERE state = 'held';

DO $$
BEGIN
    REVOKE ALL ON model_days, model_reservations FROM bookai_app;
    GRANT SELECT ON model_days, model_reservations TO bookai_app;
    GRANT INSERT (provider, day, held), UPDATE (held, spent) ON model_days TO bookai_app;
    GRANT INSERT (call_id, provider, day, held, made_at), UPDATE (state, spent, ended_at)
        ON model_reservations TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
