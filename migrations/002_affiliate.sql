-- What may be recommended and what it earned: networks, products, one tracked link a job and product, clicks, commissions.

CREATE TABLE affiliate_networks (
    name       text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- `price_minor` is in the currency's smallest unit; `terms` are the words that a script must speak of.
-- `active` is false for what is no longer offered: its links and earnings stay.
CREATE TABLE affiliate_products (
    product_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    network        text NOT NULL REFERENCES affiliate_networks (name),
    sku            text NOT NULL CHECK (length(sku) BETWEEN 1 AND 64),
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    category       text NOT NULL CHECK (length(category) BETWEEN 1 AND 60),
    price_minor    bigint NOT NULL CHECK (price_minor BETWEEN 1 AND 1000000000),
    currency       text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    commission_bps integer NOT NULL CHECK (commission_bps BETWEEN 0 AND 10000),
    url            text NOT NULL CHECK (url ~ '^https?://' AND length(url) <= 2000),
    terms          text[] NOT NULL CHECK (cardinality(terms) BETWEEN 1 AND 20),
    active         boolean NOT NULL DEFAULT true,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (network, sku)
);
CREATE INDEX affiliate_products_active ON affiliate_products (product_id) WHERE active;

-- `sub_id` travels through the network and comes back with a commission: it names job and product.
-- Lower-case letters and digits, at most 24, are what every network we know takes.
CREATE TABLE affiliate_links (
    link_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id     bigint NOT NULL REFERENCES video_jobs (job_id),
    product_id bigint NOT NULL REFERENCES affiliate_products (product_id),
    sub_id     text NOT NULL UNIQUE CHECK (sub_id ~ '^[a-z0-9]{1,24}$'),
    url        text NOT NULL CHECK (url ~ '^https?://' AND length(url) <= 2500),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (job_id, product_id)
);
CREATE INDEX affiliate_links_product ON affiliate_links (product_id);

-- A click as a network or a landing page reports it; nothing about the person who clicked.
CREATE TABLE affiliate_clicks (
    click_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    link_id    bigint NOT NULL REFERENCES affiliate_links (link_id),
    clicked_at timestamptz NOT NULL,
    source     text NOT NULL CHECK (length(source) BETWEEN 1 AND 64),
    reference  text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
    UNIQUE (source, reference)
);
CREATE INDEX affiliate_clicks_link ON affiliate_clicks (link_id, clicked_at);

-- A ledger, never changed: each word of a network about a sale is a new row, for months. A reversal
-- carries a negative amount. `link_id` is null when the sub-id is none of ours.
CREATE TABLE affiliate_conversions (
    conversion_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    network          text NOT NULL REFERENCES affiliate_networks (name),
    external_id      text NOT NULL CHECK (length(external_id) BETWEEN 1 AND 200),
    link_id          bigint REFERENCES affiliate_links (link_id),
    sub_id           text CHECK (length(sub_id) <= 200),
    state            text NOT NULL CHECK (state IN ('pending', 'approved', 'reversed', 'paid')),
    sale_minor       bigint NOT NULL,
    commission_minor bigint NOT NULL,
    currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    occurred_at      timestamptz NOT NULL,
    reported_at      timestamptz NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (network, external_id, state, reported_at)
);
CREATE INDEX affiliate_conversions_link ON affiliate_conversions (link_id, reported_at);

DO $$
BEGIN
    REVOKE ALL ON affiliate_networks, affiliate_products, affiliate_links, affiliate_clicks,
        affiliate_conversions FROM bookai_app;

    GRANT SELECT, INSERT ON affiliate_networks, affiliate_products, affiliate_links,
        affiliate_clicks, affiliate_conversions TO bookai_app;
    GRANT UPDATE (name, category, price_minor, currency, commission_bps, url, terms, active,
        updated_at) ON affiliate_products TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
