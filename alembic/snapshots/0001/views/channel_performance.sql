-- channel_performance: what each channel and campaign earned by day, under every rule.
--
-- Folded sums and what has changed since; from the facts where nothing is folded that counts.

CREATE OR REPLACE VIEW attribution.channel_performance
WITH (security_invoker = true)
AS
SELECT
    g.tenant_id,
    g.day,
    g.channel_code,
    g.campaign_id,
    g.rule_id,
    r.name AS rule_name,
    g.is_book,
    g.currency,
    g.conversions,
    g.revenue_cents,
    round(g.revenue_cents / nullif(sum(g.revenue_cents) OVER (
        PARTITION BY g.tenant_id, g.day, g.rule_id, g.is_book, g.currency
    ), 0), 6) AS revenue_share
FROM (
    SELECT
        t.id AS tenant_id, d.day, d.rule_id, d.is_book, d.currency, d.channel_code, d.campaign_id,
        sum(d.conversions) AS conversions, sum(d.revenue_cents) AS revenue_cents
    FROM attribution.tenants AS t
    LEFT JOIN attribution.summary_states AS s ON s.tenant_id = t.id
    CROSS JOIN LATERAL (
        SELECT
            k.day, k.rule_id, k.is_book, k.currency, k.channel_code, k.campaign_id, k.allocations, k.conversions, k.revenue_cents
        FROM attribution.channel_days AS k
        WHERE k.tenant_id = t.id AND s.time_zone = t.time_zone
        UNION ALL
        SELECT u.* FROM attribution.unfolded_channel_days(t.id, t.time_zone, s.time_zone IS DISTINCT FROM t.time_zone) AS u
    ) AS d
    GROUP BY t.id, d.day, d.rule_id, d.is_book, d.currency, d.channel_code, d.campaign_id
    HAVING sum(d.allocations) > 0
) AS g
JOIN attribution.attribution_rules AS r ON r.tenant_id = g.tenant_id AND r.id = g.rule_id;

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
