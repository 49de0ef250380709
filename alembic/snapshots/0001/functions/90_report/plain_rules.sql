-- plain_rules(p_tenant): the active rules, and which of them channel_totals() can divide without a row per touch.
--
-- Returns  is_plain as channel_totals() explains it; is_by_age where the model is time_decay; see place_weights() and rule_options()
--          for the others
-- Reads    attribution_rules

CREATE OR REPLACE FUNCTION attribution.plain_rules(p_tenant uuid)
RETURNS TABLE (
    rule_id uuid,
    is_plain boolean,
    is_by_age boolean,
    lookback interval,
    half_life_seconds double precision,
    firsts bigint[],
    middles bigint[],
    lasts bigint[]
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT
        r.id,
        (r.model_type = 'time_decay' OR w.firsts IS NOT NULL) AND r.constraint_mode = 'must_sum_to_100' AND r.applies_to = '{}'
        AND o.cutoff = 'conversion' AND o.on_repeat = 'keep' AND o.dedupe = 'touch' AND o.missing_timestamp = 'exclude'
        AND o.per_channel = '{}' AND o.per_event_type = '{}' AND o.exclude_channels = '[]' AND o.only_channels IS NULL,
        r.model_type = 'time_decay',
        o.lookback, o.half_life_seconds, w.firsts, w.middles, w.lasts
    FROM attribution.attribution_rules AS r
    CROSS JOIN LATERAL attribution.rule_options(r.model_type, r.config) AS o
    CROSS JOIN LATERAL attribution.place_weights(r.model_type, o.first_share, o.last_share, o.two_touch) AS w
    WHERE r.tenant_id = p_tenant AND r.status = 'active'
$$;

ALTER FUNCTION attribution.plain_rules(uuid) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.plain_rules(uuid) IS
'The active rules of a tenant, and which of them channel_totals() can divide without a row per touch.';

REVOKE ALL ON FUNCTION attribution.plain_rules(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.plain_rules(uuid)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
