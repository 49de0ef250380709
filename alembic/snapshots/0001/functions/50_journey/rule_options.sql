-- rule_options(p_model, p_config): a rule's options as typed columns, defaults filled in.
--
-- p_model  model_type: j_shaped and inverse_j are position_based with other defaults
-- p_config the rule's config, which validate_rule() has let pass
-- Returns  the options of the journey, then those of single models; lookbacks are all the windows of the rule, of which the
--          longest has to be read
--
-- One place for every option and its default. A new option is a new column here.

CREATE OR REPLACE FUNCTION attribution.rule_options(p_model text, p_config jsonb)
RETURNS TABLE (
    lookback interval,
    lookbacks interval[],
    per_channel jsonb,
    per_event_type jsonb,
    cutoff text,
    on_repeat text,
    exclude_channels jsonb,
    only_channels jsonb,
    missing_timestamp text,
    dedupe text,
    half_life_seconds double precision,
    first_share numeric,
    last_share numeric,
    two_touch text,
    roles jsonb,
    all_roles numeric,
    weight_function text,
    config jsonb
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT
        o.lookback,
        o.lookback || ARRAY(
            SELECT v.value::interval FROM jsonb_each_text(o.per_channel) AS v
            UNION ALL
            SELECT v.value::interval FROM jsonb_each_text(o.per_event_type) AS v
        ),
        o.per_channel,
        o.per_event_type,
        coalesce(p_config ->> 'cutoff', 'conversion'),
        coalesce(p_config ->> 'on_repeat', 'keep'),
        coalesce(p_config -> 'exclude_channels', '[]'),
        p_config -> 'only_channels',
        coalesce(p_config ->> 'missing_timestamp', 'exclude'),
        coalesce(p_config ->> 'dedupe', 'touch'),
        extract(epoch FROM coalesce(p_config ->> 'half_life', '7 days')::interval)::double precision,
        coalesce(p_config ->> 'first', CASE p_model WHEN 'j_shaped' THEN '0.2' WHEN 'inverse_j' THEN '0.6' ELSE '0.4' END)::numeric,
        coalesce(p_config ->> 'last', CASE p_model WHEN 'j_shaped' THEN '0.6' WHEN 'inverse_j' THEN '0.2' ELSE '0.4' END)::numeric,
        coalesce(p_config ->> 'two_touch', 'prorate'),
        coalesce(p_config -> 'roles', '{}'),
        -- What all pools hold together, where absent ones go unattributed; null where they renormalise.
        CASE p_config ->> 'absent_roles' WHEN 'unattributed' THEN (
            SELECT sum(v.value::numeric) FROM jsonb_each_text(p_config -> 'roles') AS v
        ) END,
        p_config ->> 'weight_function',
        p_config
    FROM (
        SELECT
            coalesce(p_config ->> 'lookback', '30 days')::interval AS lookback,
            coalesce(p_config -> 'per_channel', '{}') AS per_channel,
            coalesce(p_config -> 'per_event_type', '{}') AS per_event_type
    ) AS o
$$;

ALTER FUNCTION attribution.rule_options(text, jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.rule_options(text, jsonb) IS 'A rule''s options as typed columns, defaults filled in.';

REVOKE ALL ON FUNCTION attribution.rule_options(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.rule_options(text, jsonb)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
