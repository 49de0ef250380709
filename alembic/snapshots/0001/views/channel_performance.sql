-- channel_performance: what each channel and campaign earned by day, under every rule.
--
-- Folded sums and what has changed since; from the facts where nothing is folded that counts. Thousands of folded rows meet a
-- few changed ones: a join takes half the time of grouping them all. LEFT JOIN of the rules, which are always there, since the
-- planner knows too little of a tenant's rows to be left the choice of beginning with a join of them.

CREATE OR REPLACE VIEW attribution.channel_performance
WITH (security_invoker = true)
AS
SELECT
    t.id AS tenant_id,
    d.day,
    d.channel_code,
    d.campaign_id,
    d.rule_id,
    r.name AS rule_name,
    d.is_book,
    d.currency,
    d.conversions,
    d.revenue_cents,
    round(d.revenue_cents / nullif(sum(d.revenue_cents) OVER (
        PARTITION BY t.id, d.day, d.rule_id, d.is_book, d.currency
    ), 0), 6) AS revenue_share
FROM attribution.tenants AS t
LEFT JOIN attribution.summary_states AS s ON s.tenant_id = t.id
CROSS JOIN LATERAL (
    WITH changed AS MATERIALIZED (
        SELECT u.*
        FROM attribution.unfolded_channel_days(t.id, t.time_zone, s.time_zone IS DISTINCT FROM t.time_zone) AS u
    )
    SELECT
        k.day, k.rule_id, k.is_book, k.currency, k.channel_code, k.campaign_id,
        k.allocations + coalesce(u.allocations, 0) AS allocations,
        k.conversions + coalesce(u.conversions, 0) AS conversions,
        k.revenue_cents + coalesce(u.revenue_cents, 0) AS revenue_cents
    FROM attribution.channel_days AS k
    LEFT JOIN changed AS u
        ON u.day = k.day AND u.rule_id = k.rule_id AND u.is_book = k.is_book AND u.currency = k.currency
            AND u.channel_code = k.channel_code AND u.campaign_id IS NOT DISTINCT FROM k.campaign_id
    WHERE k.tenant_id = t.id AND s.time_zone = t.time_zone
    UNION ALL
    SELECT u.*
    FROM changed AS u
    WHERE s.time_zone IS DISTINCT FROM t.time_zone OR NOT EXISTS (
        SELECT
        FROM attribution.channel_days AS k
        WHERE k.tenant_id = t.id AND k.day = u.day AND k.rule_id = u.rule_id AND k.is_book = u.is_book AND k.currency = u.currency
            AND k.channel_code = u.channel_code AND k.campaign_id IS NOT DISTINCT FROM u.campaign_id
    )
) AS d
LEFT JOIN attribution.attribution_rules AS r ON r.tenant_id = t.id AND r.id = d.rule_id
WHERE d.allocations > 0;

ALTER VIEW attribution.channel_performance OWNER TO attribution_owner;

COMMENT ON VIEW attribution.channel_performance IS
'Credit by day, channel, campaign, rule and currency, from the current allocations. Filter on is_book for the figures that are in the ledger, before refunds.';
COMMENT ON COLUMN attribution.channel_performance.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.channel_performance.day IS 'Day of the conversion in the tenant''s time zone.';
COMMENT ON COLUMN attribution.channel_performance.channel_code IS 'Channel.';
COMMENT ON COLUMN attribution.channel_performance.campaign_id IS 'Campaign; null where the touch named none.';
COMMENT ON COLUMN attribution.channel_performance.rule_id IS 'Rule version.';
COMMENT ON COLUMN attribution.channel_performance.rule_name IS 'Name of the rule.';
COMMENT ON COLUMN attribution.channel_performance.is_book IS 'True: posted to the ledger.';
COMMENT ON COLUMN attribution.channel_performance.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.channel_performance.conversions IS 'Conversions credited: the sum of the shares, so that channels add up to whole conversions.';
COMMENT ON COLUMN attribution.channel_performance.revenue_cents IS 'Credit in minor units.';
COMMENT ON COLUMN attribution.channel_performance.revenue_share IS 'Part of the day''s credit under this rule in this currency, 0 to 1.';

REVOKE ALL ON attribution.channel_performance FROM PUBLIC;
GRANT SELECT ON attribution.channel_performance TO attribution_app, attribution_reader, attribution_admin;
