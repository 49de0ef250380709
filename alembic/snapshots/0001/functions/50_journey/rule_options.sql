-- rule_options(p_config): a rule's options as typed columns, defaults filled in.
--
-- p_config the rule's config, which validate_rule() has let pass
-- Returns  lookback: how far before the cutoff touches count; half_life_seconds of time_decay; first_share, last_share
--          and two_touch of position_based
--
-- One place for every option and its default. A new option is a new column here.

CREATE OR REPLACE FUNCTION attribution.rule_options(p_config jsonb)
RETURNS TABLE (
    lookback interval,
    half_life_seconds double precision,
    first_share numeric,
    last_share numeric,
    two_touch text
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT
        coalesce(p_config ->> 'lookback', '30 days')::interval,
        extract(epoch FROM coalesce(p_config ->> 'half_life', '7 days')::interval)::double precision,
        coalesce(p_config ->> 'first', '0.4')::numeric,
        coalesce(p_config ->> 'last', '0.4')::numeric,
        coalesce(p_config ->> 'two_touch', 'prorate')
$$;

ALTER FUNCTION attribution.rule_options(jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.rule_options(jsonb) IS 'A rule''s options as typed columns, defaults filled in.';

REVOKE ALL ON FUNCTION attribution.rule_options(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.rule_options(jsonb)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
