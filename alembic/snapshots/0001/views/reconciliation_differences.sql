-- reconciliation_differences: where statement and ledger disagree, of the latest comparison of each source.

CREATE OR REPLACE VIEW attribution.reconciliation_differences
WITH (security_invoker = true)
AS
SELECT
    r.tenant_id,
    r.source,
    r.id AS run_id,
    v.transaction_id,
    v.currency,
    v.status,
    v.reported_cents,
    v.ledger_cents,
    coalesce(v.reported_cents, 0) - coalesce(v.ledger_cents, 0) AS difference_cents,
    o.outside_cents,
    v.verified_at
FROM (
    SELECT DISTINCT ON (i.tenant_id, i.source) i.*
    FROM attribution.reconciliation_runs AS i
    WHERE i.kind = 'processor' AND i.state IN ('completed', 'failed')
    ORDER BY i.tenant_id ASC, i.source ASC, i.started_at DESC, i.id DESC
) AS r
JOIN attribution.revenue_verifications AS v ON v.tenant_id = r.tenant_id AND v.run_id = r.id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(l.amount_cents), 0) AS outside_cents
    FROM attribution.revenue_ledger AS l
    WHERE l.tenant_id = v.tenant_id AND l.transaction_id = v.transaction_id AND l.currency = v.currency
        AND (l.occurred_at < r.period_from OR l.occurred_at >= r.period_to)
) AS o
WHERE v.status <> 'matched';

ALTER VIEW attribution.reconciliation_differences OWNER TO attribution_owner;

COMMENT ON VIEW attribution.reconciliation_differences IS
'Transactions about which a processor''s latest statement and the ledger disagree.';
COMMENT ON COLUMN attribution.reconciliation_differences.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.reconciliation_differences.source IS 'Who reported.';
COMMENT ON COLUMN attribution.reconciliation_differences.run_id IS 'The run that found it.';
COMMENT ON COLUMN attribution.reconciliation_differences.transaction_id IS 'The sale.';
COMMENT ON COLUMN attribution.reconciliation_differences.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.reconciliation_differences.status IS 'amount_mismatch, missing_in_ledger or missing_in_report.';
COMMENT ON COLUMN attribution.reconciliation_differences.reported_cents IS 'What the statement says, minor units; null: nothing.';
COMMENT ON COLUMN attribution.reconciliation_differences.ledger_cents IS 'What the ledger said of the period, minor units; null: nothing.';
COMMENT ON COLUMN attribution.reconciliation_differences.difference_cents IS 'reported_cents minus ledger_cents, a missing side counted as 0.';
COMMENT ON COLUMN attribution.reconciliation_differences.outside_cents IS 'What the ledger has of the transaction outside the period: 0, or the difference may be one of dates.';
COMMENT ON COLUMN attribution.reconciliation_differences.verified_at IS 'When it was compared.';

REVOKE ALL ON attribution.reconciliation_differences FROM PUBLIC;
GRANT SELECT ON attribution.reconciliation_differences TO attribution_app, attribution_reader, attribution_admin;
