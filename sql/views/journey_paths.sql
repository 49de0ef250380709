-- journey_paths: the ways that journeys go, by the channels of their touches.

CREATE OR REPLACE VIEW attribution.journey_paths
WITH (security_invoker = true)
AS
WITH journeys AS (
    SELECT
        j.event_id, j.currency, j.value_cents, max(j.touches) AS touches,
        extract(epoch FROM max(j.age)) / 86400 AS days,
        coalesce(string_agg(j.channel_code, ' > ' ORDER BY j."position"), 'unattributed') AS path
    FROM (
        SELECT array_agg(e.id) AS event_ids
        FROM attribution.attribution_events AS e
        WHERE e.tenant_id = attribution.current_tenant() AND e.event_kind = 'conversion'
    ) AS c
    CROSS JOIN LATERAL attribution.journeys(attribution.current_tenant(), c.event_ids) AS j
    WHERE j.is_book
    GROUP BY j.event_id, j.currency, j.value_cents
)
SELECT
    attribution.current_tenant() AS tenant_id,
    j.path,
    j.currency,
    count(*) AS conversions,
    sum(j.value_cents) AS revenue_cents,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY j.touches) AS median_touches,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY j.days) AS median_days
FROM journeys AS j
GROUP BY j.path, j.currency;

ALTER VIEW attribution.journey_paths OWNER TO attribution_owner;

COMMENT ON VIEW attribution.journey_paths IS
'Conversions by the sequence of channels in their journey under the book rule. Computed when read: filter in a copy for large histories.';
COMMENT ON COLUMN attribution.journey_paths.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.journey_paths.path IS 'Channels in order, such as email > direct; unattributed where no touch counts.';
COMMENT ON COLUMN attribution.journey_paths.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.journey_paths.conversions IS 'Conversions whose journey went this way.';
COMMENT ON COLUMN attribution.journey_paths.revenue_cents IS 'Their value, minor units.';
COMMENT ON COLUMN attribution.journey_paths.median_touches IS 'Median number of touches.';
COMMENT ON COLUMN attribution.journey_paths.median_days IS 'Median days from the first touch to the conversion; null without touches.';

REVOKE ALL ON attribution.journey_paths FROM PUBLIC;
GRANT SELECT ON attribution.journey_paths TO attribution_app, attribution_reader, attribution_admin;
