-- realtime_revenue: the ledger's revenue now, and how much of it statements confirm.
--
-- An event's money is verified when the newest statement that speaks of its transaction, for a period that holds the event,
-- matched, and what was compared then is what the ledger says now.

CREATE OR REPLACE VIEW attribution.realtime_revenue
WITH (security_invoker = true)
AS
SELECT
    x.tenant_id,
    x.currency,
    sum(x.cents) AS total_cents,
    coalesce(sum(x.cents) FILTER (WHERE x.is_verified), 0) AS verified_cents,
    coalesce(sum(x.cents) FILTER (WHERE x.is_verified IS NOT TRUE), 0) AS unverified_cents,
    max(x.posted_at) AS last_posted_at,
    max(x.verified_at) FILTER (WHERE x.is_verified) AS last_verified_at,
    round(extract(epoch FROM clock_timestamp() - max(x.posted_at)), 3) AS freshness_seconds
FROM (
    SELECT
        e.tenant_id, e.currency, e.cents, e.posted_at, v.verified_at,
        v.status = 'matched' AND v.ledger_cents = sum(e.cents) OVER (PARTITION BY e.tenant_id, v.id) AS is_verified
    FROM (
        SELECT
            l.tenant_id, l.transaction_id, l.currency, l.event_id, l.occurred_at, sum(l.amount_cents) AS cents,
            max(l.posted_at) AS posted_at
        FROM attribution.revenue_ledger AS l
        GROUP BY l.tenant_id, l.transaction_id, l.currency, l.event_id, l.occurred_at
    ) AS e
    LEFT JOIN LATERAL (
        SELECT i.id, i.status, i.ledger_cents, i.verified_at
        FROM attribution.revenue_verifications AS i
        JOIN attribution.reconciliation_runs AS r ON r.tenant_id = i.tenant_id AND r.id = i.run_id
        WHERE i.tenant_id = e.tenant_id AND i.transaction_id = e.transaction_id AND i.currency = e.currency
            AND i.status <> 'missing_in_report'
            AND e.occurred_at >= coalesce(r.period_from, '-infinity') AND e.occurred_at < coalesce(r.period_to, 'infinity')
        ORDER BY i.verified_at DESC, i.id DESC
        LIMIT 1
    ) AS v ON true
) AS x
GROUP BY x.tenant_id, x.currency;

ALTER VIEW attribution.realtime_revenue OWNER TO attribution_owner;

COMMENT ON VIEW attribution.realtime_revenue IS
'By currency: the ledger''s revenue after refunds, and how much of it processors'' statements confirm.';
COMMENT ON COLUMN attribution.realtime_revenue.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.realtime_revenue.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.realtime_revenue.total_cents IS 'Sum of the ledger, refunds taken off, minor units.';
COMMENT ON COLUMN attribution.realtime_revenue.verified_cents IS 'Of these, in sales and refunds whose newest statement matched and that are still what was compared then.';
COMMENT ON COLUMN attribution.realtime_revenue.unverified_cents IS 'total_cents minus verified_cents.';
COMMENT ON COLUMN attribution.realtime_revenue.last_posted_at IS 'When the newest line was posted.';
COMMENT ON COLUMN attribution.realtime_revenue.last_verified_at IS 'When the newest of the verified was compared; null: none is.';
COMMENT ON COLUMN attribution.realtime_revenue.freshness_seconds IS 'Seconds since last_posted_at.';

REVOKE ALL ON attribution.realtime_revenue FROM PUBLIC;
GRANT SELECT ON attribution.realtime_revenue TO attribution_app, attribution_reader, attribution_admin;
