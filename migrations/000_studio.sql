-- The studio's ground: jobs, who works on them, what they made, where material comes from.

-- Roles belong to the server, not to the database: they may exist already, or, on a hosted
-- Postgres, we may not be allowed to create them. Grants are then skipped, here and in later files.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bookai_app') THEN
        CREATE ROLE bookai_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bookai_sealer') THEN
        CREATE ROLE bookai_sealer NOLOGIN;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'this role may not create roles: the studio works with it alone';
    WHEN unique_violation OR duplicate_object THEN
        NULL; -- another database of this server was migrated at the same moment
END $$;

CREATE TABLE niches (
    niche_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
    keywords   text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sources (
    source_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    niche_id      bigint REFERENCES niches (niche_id),
    url           text NOT NULL UNIQUE CHECK (length(url) <= 2000),
    kind          text NOT NULL DEFAULT 'feed' CHECK (kind IN ('feed', 'article')),
    every_s       integer NOT NULL DEFAULT 3600 CHECK (every_s BETWEEN 60 AND 604800),
    active        boolean NOT NULL DEFAULT true,
    etag          text,
    last_modified text,
    last_read_at  timestamptz,
    last_error    text,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sources_niche ON sources (niche_id);
CREATE INDEX sources_due ON sources (last_read_at) WHERE active;

-- `record` is the VideoJob as it grows; the columns beside it are what we query.
CREATE TABLE video_jobs (
    job_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source        text NOT NULL CHECK (length(source) BETWEEN 1 AND 2000),
    channel       text NOT NULL CHECK (length(channel) BETWEEN 1 AND 100),
    requested_by  text NOT NULL CHECK (length(requested_by) BETWEEN 1 AND 200),
    status        text NOT NULL CHECK (status IN ('queued', 'running', 'waiting', 'done',
                                                  'refused', 'failed', 'cancelled')),
    stage         text NOT NULL,
    percent       integer NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
    record        jsonb NOT NULL,
    reason        text,
    attempt       integer NOT NULL DEFAULT 0,
    stage_seconds jsonb NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX video_jobs_status ON video_jobs (status, job_id);
CREATE INDEX video_jobs_channel ON video_jobs (channel, job_id);

CREATE TABLE agents (
    name          text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]*$'),
    capabilities  text[] NOT NULL,
    kind          text NOT NULL DEFAULT 'local' CHECK (kind IN ('local', 'remote')),
    registered_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now()
);

-- One step of one job. `round` tells repetitions of a step apart (rewrites, next sources).
CREATE TABLE tasks (
    task_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id      bigint NOT NULL REFERENCES video_jobs (job_id),
    capability  text NOT NULL,
    round       integer NOT NULL DEFAULT 0 CHECK (round >= 0),
    status      text NOT NULL CHECK (status IN ('open', 'done', 'refused', 'failed')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    UNIQUE (job_id, capability, round)
);

CREATE TABLE task_executions (
    execution_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id      bigint NOT NULL REFERENCES tasks (task_id),
    agent        text NOT NULL REFERENCES agents (name),
    outcome      text NOT NULL CHECK (outcome IN ('running', 'ok', 'refused', 'failed',
                                                  'timeout', 'cancelled', 'lost')),
    error        text,
    candidates   jsonb NOT NULL DEFAULT '[]',
    seconds      double precision CHECK (seconds >= 0),
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz
);
CREATE INDEX task_executions_task ON task_executions (task_id);
CREATE INDEX task_executions_agent ON task_executions (agent, finished_at DESC);

-- Machines that work with us; a worker on one names itself here.
CREATE TABLE vps_servers (
    server_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    dsn_name     text,
    capabilities text[] NOT NULL DEFAULT '{}',
    heartbeat_at timestamptz
);

CREATE TABLE trends (
    trend_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id     bigint UNIQUE REFERENCES video_jobs (job_id),
    title      text NOT NULL,
    url        text NOT NULL,
    score      double precision NOT NULL,
    reasons    jsonb NOT NULL DEFAULT '[]',
    considered integer NOT NULL DEFAULT 1,
    chosen_at  timestamptz NOT NULL DEFAULT now()
);

-- A forecast is written before its outcome is known, and scored after.
CREATE TABLE trend_predictions (
    prediction_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trend_id      bigint NOT NULL REFERENCES trends (trend_id),
    model         text NOT NULL,
    horizon_h     integer NOT NULL CHECK (horizon_h > 0),
    probability   double precision CHECK (probability BETWEEN 0 AND 1),
    interval_low  double precision,
    interval_high double precision,
    predicted_at  timestamptz NOT NULL DEFAULT now(),
    outcome       double precision,
    scored_at     timestamptz
);
CREATE INDEX trend_predictions_trend ON trend_predictions (trend_id);
CREATE INDEX trend_predictions_open ON trend_predictions (predicted_at) WHERE scored_at IS NULL;

CREATE TABLE scripts (
    script_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id     bigint NOT NULL UNIQUE REFERENCES video_jobs (job_id),
    title      text NOT NULL,
    language   text NOT NULL CHECK (language ~ '^[a-z]{2,3}$'),
    draft_kind text NOT NULL CHECK (draft_kind IN ('extractive', 'model')),
    writer     text NOT NULL,
    lines      jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE videos (
    video_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id         bigint NOT NULL UNIQUE REFERENCES video_jobs (job_id),
    path           text NOT NULL,
    sha256         text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    thumbnail_path text NOT NULL,
    duration_s     double precision NOT NULL CHECK (duration_s > 0),
    width          integer NOT NULL CHECK (width > 0),
    height         integer NOT NULL CHECK (height > 0),
    fps            integer NOT NULL CHECK (fps > 0),
    encoder        text NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
);

DO $$
BEGIN
    GRANT SELECT, INSERT, UPDATE ON niches, sources, video_jobs, agents, tasks, task_executions,
        vps_servers, trends, trend_predictions, scripts, videos TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app: nothing to grant';
END $$;
