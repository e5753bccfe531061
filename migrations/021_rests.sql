-- An account that its platform told to wait rests, for every worker, and no other account does.
-- bookai: works-with 020

ALTER TABLE social_accounts
    ADD COLUMN rests_until timestamptz,
    ADD COLUMN rests_why   text CHECK (length(rests_why) BETWEEN 1 AND 2000),
    ADD CONSTRAINT social_accounts_rest CHECK ((rests_until IS NULL) = (rests_why IS NULL));

-- A platform's word is never cut short: a rest only grows.
CREATE FUNCTION social_accounts_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.rests_until IS NULL OR NEW.rests_until < OLD.rests_until THEN
        RAISE EXCEPTION 'account % on % rests until %: that is the platform''s word', OLD.account,
            OLD.platform, OLD.rests_until USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER social_accounts_guard BEFORE UPDATE ON social_accounts
    FOR EACH ROW WHEN (OLD.rests_until IS NOT NULL)
    EXECUTE FUNCTION social_accounts_guard();

-- Whoever armed a post before the platform spoke is stopped here, on the way out.
CREATE FUNCTION social_posts_check_rest() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE left_s double precision;
BEGIN
    SELECT extract(epoch FROM rests_until - clock_timestamp())
      INTO left_s
      FROM social_accounts
     WHERE platform = NEW.platform
       AND account = NEW.account;
    IF left_s > 0 THEN
        RAISE EXCEPTION 'account % on % rests for % s more', NEW.account, NEW.platform, ceil(left_s)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'social_accounts_rests',
                  DETAIL = ceil(left_s)::text;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER social_posts_rest BEFORE UPDATE ON social_posts
    FOR EACH ROW WHEN (OLD.state = 'armed' AND NEW.state = 'sending')
    EXECUTE FUNCTION social_posts_check_rest();

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION social_accounts_guard() SET search_path = %I, pg_temp',
                   current_schema());
    EXECUTE format('ALTER FUNCTION social_posts_check_rest() SET search_path = %I, pg_temp',
                   current_schema());
END $$;

DO $$
BEGIN
    GRANT UPDATE (rests_until, rests_why) ON social_accounts TO bookai_app;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app here: grants are left out (%)', SQLERRM;
END $$;
