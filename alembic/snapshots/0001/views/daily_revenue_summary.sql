-- daily_revenue_summary: the ledger by day.
--
-- Folded sums and what has changed since; from the ledger where nothing is folded that counts.

CREATE OR REPLACE VIEW attribution.daily_revenue_summary
WITH (security_invoker = true)
AS
SELECT
    t.id AS tenant_id,
    d.day,
    d.currency,
    sum(d.transactions)::bigint AS transactions,
    sum(d.conversions)::bigint AS conversions,
    sum(d.gross_cents) AS gross_cents,
    sum(d.refunded_cents) AS refunded_cents,
    sum(d.gross_cents) - sum(d.refunded_cents) AS net_cents
FROM attribution.tenants AS t
LEFT JOIN attribution.summary_states AS s ON s.tenant_id = t.id
CROSS JOIN LATERAL (
    SELECT k.day, k.currency, k.transactions, k.conversions, k.gross_cents, k.refunded_cents
    FROM attribution.ledger_days AS k
    WHERE k.tenant_id = t.id AND s.time_zone = t.time_zone
    UNION ALL
    SELECT u.* FROM attribution.unfolded_ledger_days(t.id, t.time_zone, s.time_zone IS DISTINCT FROM t.time_zone) AS u
) AS d
GROUP BY t.id, d.day, d.currency;

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
