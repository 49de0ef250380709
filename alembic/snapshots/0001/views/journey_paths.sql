-- journey_paths: the ways that journeys go, by the channels of their touches.

CREATE OR REPLACE VIEW attribution.journey_paths
WITH (security_invoker = true)
AS
SELECT
    attribution.current_tenant() AS tenant_id,
    p.path,
    p.currency,
    count(*) AS conversions,
    sum(p.value_cents) AS revenue_cents,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY p.touches) AS median_touches,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY p.days) AS median_days
FROM attribution.current_paths(attribution.current_tenant()) AS p
GROUP BY p.path, p.currency;

ALTER VIEW attribution.journey_paths OWNER TO attribution_owner;

COMMENT ON VIEW attribution.journey_paths IS
'Conversions by the sequence of channels in their journey under the book rule.';
COMMENT ON COLUMN attribution.journey_paths.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.journey_paths.path IS 'Channels in order, such as email > direct; unattributed where no touch counts.';
COMMENT ON COLUMN attribution.journey_paths.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.journey_paths.conversions IS 'Conversions whose journey went this way.';
COMMENT ON COLUMN attribution.journey_paths.revenue_cents IS 'Their value, minor units.';
COMMENT ON COLUMN attribution.journey_paths.median_touches IS 'Median number of touches.';
COMMENT ON COLUMN attribution.journey_paths.median_days IS 'Median days from the first touch to the conversion; null without touches.';

REVOKE ALL ON attribution.journey_paths FROM PUBLIC;
GRANT SELECT ON attribution.journey_paths TO attribution_app, attribution_reader, attribution_admin;
