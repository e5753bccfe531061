-- What the feeds showed and when, and what was read of the networks' reports: to tell what rises and what was earned.

-- The table of 000 becomes one row a feed; `tried_at` is what keeps two processes from reading at once.
ALTER TABLE sources
    ADD COLUMN title text CHECK (length(title) <= 500),
    ADD COLUMN tried_at timestamptz;

-- An item as its feed shows it. `appeared_at` is its own date, but never later than our first sight.
CREATE TABLE trend_items (
    item_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id     bigint NOT NULL REFERENCES sources (source_id),
    url           text NOT NULL CHECK (octet_length(url) <= 2000),
    title         text NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
    summary       text NOT NULL DEFAULT '' CHECK (length(summary) <= 1000),
    published_at  timestamptz,
    appeared_at   timestamptz NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    UNIQUE (source_id, url),
    CHECK (appeared_at <= first_seen_at AND first_seen_at <= last_seen_at)
);
CREATE INDEX trend_items_appeared ON trend_items (appeared_at DESC);
CREATE INDEX trend_items_last_seen ON trend_items (last_seen_at);

-- Points, votes or views of an item at a moment: two of them tell how fast it grows.
CREATE TABLE trend_marks (
    item_id    bigint NOT NULL REFERENCES trend_items (item_id) ON DELETE CASCADE,
    seen_at    timestamptz NOT NULL,
    engagement bigint NOT NULL CHECK (engagement >= 0),
    PRIMARY KEY (item_id, seen_at)
);
CREATE INDEX trend_marks_seen ON trend_marks (seen_at);

-- Each report of a network that was read. Without it, nothing earned and nothing read look alike.
CREATE TABLE earnings_reads (
    read_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    network   text NOT NULL REFERENCES affiliate_networks (name),
    kind      text NOT NULL CHECK (kind IN ('clicks', 'conversions')),
    rows_new  integer NOT NULL CHECK (rows_new >= 0),
    newest_at timestamptz NOT NULL,
    read_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX earnings_reads_network ON earnings_reads (network, kind, read_at DESC);

CREATE INDEX affiliate_clicks_time ON affiliate_clicks (clicked_at);
CREATE INDEX affiliate_conversions_time ON affiliate_conversions (occurred_at);

DO $$
BEGIN
    REVOKE ALL ON trend_items, trend_marks, earnings_reads FROM bookai_app;

    GRANT SELECT, INSERT, DELETE ON trend_items TO bookai_app;
    GRANT UPDATE (title, summary, last_seen_at) ON trend_items TO bookai_app;
    GRANT SELECT, INSERT, DELETE ON trend_marks TO bookai_app;
    GRANT SELECT, INSERT ON earnings_reads TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
