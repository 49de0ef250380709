-- reconciliation_status: the latest run of each source.

CREATE OR REPLACE VIEW attribution.reconciliation_status
WITH (security_invoker = true)
AS
SELECT DISTINCT ON (r.tenant_id, r.source, r.kind)
    r.tenant_id,
    r.source,
    r.kind,
    r.id AS run_id,
    r.state,
    r.file_name,
    r.period_from,
    r.period_to,
    r.started_at,
    r.finished_at,
    r.reported_rows,
    r.matched,
    r.amount_mismatch,
    r.missing_in_ledger,
    r.missing_in_report,
    r.last_error
FROM attribution.reconciliation_runs AS r
ORDER BY r.tenant_id ASC, r.source ASC, r.kind ASC, r.started_at DESC, r.id DESC;

ALTER VIEW attribution.reconciliation_status OWNER TO attribution_owner;

COMMENT ON VIEW attribution.reconciliation_status IS
'The latest comparison of each source and kind: its state, and how many transactions it found how.';
COMMENT ON COLUMN attribution.reconciliation_status.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.reconciliation_status.source IS 'Who reported.';
COMMENT ON COLUMN attribution.reconciliation_status.kind IS 'processor or ad_platform.';
COMMENT ON COLUMN attribution.reconciliation_status.run_id IS 'The run.';
COMMENT ON COLUMN attribution.reconciliation_status.state IS 'idle, running, completed (all matched, or claims stored), failed (there are differences), error (could not be done).';
COMMENT ON COLUMN attribution.reconciliation_status.file_name IS 'The statement''s name.';
COMMENT ON COLUMN attribution.reconciliation_status.period_from IS 'Start of the period compared, inclusive; null: no bound.';
COMMENT ON COLUMN attribution.reconciliation_status.period_to IS 'End of the period compared, exclusive; null: no bound.';
COMMENT ON COLUMN attribution.reconciliation_status.started_at IS 'When it was opened.';
COMMENT ON COLUMN attribution.reconciliation_status.finished_at IS 'When it ended; null until then.';
COMMENT ON COLUMN attribution.reconciliation_status.reported_rows IS 'Rows of the statement.';
COMMENT ON COLUMN attribution.reconciliation_status.matched IS 'Transactions whose amounts are equal.';
COMMENT ON COLUMN attribution.reconciliation_status.amount_mismatch IS 'Transactions whose amounts differ.';
COMMENT ON COLUMN attribution.reconciliation_status.missing_in_ledger IS 'Transactions that only the statement has.';
COMMENT ON COLUMN attribution.reconciliation_status.missing_in_report IS 'Transactions that only the ledger has.';
COMMENT ON COLUMN attribution.reconciliation_status.last_error IS 'Why it could not be done; null otherwise.';

REVOKE ALL ON attribution.reconciliation_status FROM PUBLIC;
GRANT SELECT ON attribution.reconciliation_status TO attribution_app, attribution_reader, attribution_admin;
