-- daily_revenue_summary: the ledger by day.

CREATE OR REPLACE VIEW attribution.daily_revenue_summary
WITH (security_invoker = true)
AS
SELECT
    l.tenant_id,
    (l.occurred_at AT TIME ZONE t.time_zone)::date AS day,
    l.currency,
    count(DISTINCT l.transaction_id) AS transactions,
    count(DISTINCT l.event_id) FILTER (WHERE l.account = 'revenue') AS conversions,
    coalesce(sum(l.amount_cents) FILTER (WHERE l.account = 'revenue'), 0) AS gross_cents,
    coalesce(-sum(l.amount_cents) FILTER (WHERE l.account = 'returns'), 0) AS refunded_cents,
    sum(l.amount_cents) AS net_cents
FROM attribution.revenue_ledger AS l
JOIN attribution.tenants AS t ON t.id = l.tenant_id
GROUP BY l.tenant_id, (l.occurred_at AT TIME ZONE t.time_zone)::date, l.currency;

ALTER VIEW attribution.daily_revenue_summary OWNER TO attribution_owner;

COMMENT ON VIEW attribution.daily_revenue_summary IS
'Ledger totals by day of the sale (or refund) and currency. Conversions worth nothing have no line and do not appear.';
COMMENT ON COLUMN attribution.daily_revenue_summary.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.daily_revenue_summary.day IS 'Day of the sale or refund in the tenant''s time zone.';
COMMENT ON COLUMN attribution.daily_revenue_summary.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.daily_revenue_summary.transactions IS 'Transactions with a line on that day.';
COMMENT ON COLUMN attribution.daily_revenue_summary.conversions IS 'Conversions credited.';
COMMENT ON COLUMN attribution.daily_revenue_summary.gross_cents IS 'Revenue before refunds, minor units.';
COMMENT ON COLUMN attribution.daily_revenue_summary.refunded_cents IS 'Refunds and chargebacks as a positive number, minor units.';
COMMENT ON COLUMN attribution.daily_revenue_summary.net_cents IS 'gross_cents minus refunded_cents.';

REVOKE ALL ON attribution.daily_revenue_summary FROM PUBLIC;
GRANT SELECT ON attribution.daily_revenue_summary TO attribution_app, attribution_reader, attribution_admin;
