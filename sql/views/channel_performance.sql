-- channel_performance: what each channel and campaign earned by day, under every rule.

CREATE OR REPLACE VIEW attribution.channel_performance
WITH (security_invoker = true)
AS
SELECT
    a.tenant_id,
    (a.occurred_at AT TIME ZONE t.time_zone)::date AS day,
    a.channel_code,
    a.campaign_id,
    a.rule_id,
    r.name AS rule_name,
    a.is_book,
    a.currency,
    sum(a.allocation_ratio) AS conversions,
    sum(a.allocated_revenue_cents) AS revenue_cents,
    round(sum(a.allocated_revenue_cents) / nullif(sum(sum(a.allocated_revenue_cents)) OVER (
        PARTITION BY a.tenant_id, (a.occurred_at AT TIME ZONE t.time_zone)::date, a.rule_id, a.is_book, a.currency
    ), 0), 6) AS revenue_share
FROM attribution.attribution_allocations AS a
JOIN attribution.tenants AS t ON t.id = a.tenant_id
JOIN attribution.attribution_rules AS r ON r.tenant_id = a.tenant_id AND r.id = a.rule_id
WHERE a.superseded_at IS NULL
GROUP BY
    a.tenant_id, (a.occurred_at AT TIME ZONE t.time_zone)::date, a.channel_code, a.campaign_id, a.rule_id, r.name, a.is_book,
    a.currency;

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
