-- revenue_transactions: one row per sale, from its ledger lines.

CREATE OR REPLACE VIEW attribution.revenue_transactions
WITH (security_invoker = true)
AS
SELECT
    l.tenant_id,
    l.transaction_id,
    l.currency,
    coalesce((
        SELECT t.to_state
        FROM attribution.revenue_state_transitions AS t
        WHERE t.tenant_id = l.tenant_id AND t.transaction_id = l.transaction_id AND t.currency = l.currency
        ORDER BY t.sequence DESC
        LIMIT 1
    ), 'captured') AS state,
    coalesce(sum(l.amount_cents) FILTER (WHERE l.account = 'revenue'), 0) AS captured_cents,
    coalesce(-sum(l.amount_cents) FILTER (WHERE l.account = 'returns'), 0) AS refunded_cents,
    sum(l.amount_cents) AS net_cents,
    min(l.posted_at) AS first_posted_at,
    max(l.posted_at) AS last_posted_at,
    count(*) AS lines,
    sum(l.amount_usd_cents) AS net_usd_cents
FROM attribution.revenue_ledger AS l
GROUP BY l.tenant_id, l.transaction_id, l.currency;

ALTER VIEW attribution.revenue_transactions OWNER TO attribution_owner;

COMMENT ON VIEW attribution.revenue_transactions IS
'One row per transaction and currency: state and sums of its ledger lines.';
COMMENT ON COLUMN attribution.revenue_transactions.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.revenue_transactions.transaction_id IS 'The sale.';
COMMENT ON COLUMN attribution.revenue_transactions.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.revenue_transactions.state IS 'captured, partially_refunded, refunded, disputed or charged_back.';
COMMENT ON COLUMN attribution.revenue_transactions.captured_cents IS 'Revenue before refunds, minor units.';
COMMENT ON COLUMN attribution.revenue_transactions.refunded_cents IS 'Refunds and chargebacks as a positive number, minor units.';
COMMENT ON COLUMN attribution.revenue_transactions.net_cents IS 'captured_cents minus refunded_cents.';
COMMENT ON COLUMN attribution.revenue_transactions.first_posted_at IS 'First posting.';
COMMENT ON COLUMN attribution.revenue_transactions.last_posted_at IS 'Last posting.';
COMMENT ON COLUMN attribution.revenue_transactions.net_usd_cents IS 'Sum of the lines in US cents; null while no rate is known.';
COMMENT ON COLUMN attribution.revenue_transactions.lines IS 'Ledger lines, reversals included.';

REVOKE ALL ON attribution.revenue_transactions FROM PUBLIC;
GRANT SELECT ON attribution.revenue_transactions TO attribution_app, attribution_reader, attribution_admin;
