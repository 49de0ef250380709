-- Named queries of reconciliation: controlplane.db.queries()["name"].

-- name: open_reconciliation
SELECT attribution.open_reconciliation(%(tenant)s, %(source)s, %(kind)s, %(file)s, %(first)s, %(last)s) AS run;

-- name: start_reconciliation
SELECT attribution.start_reconciliation(%(tenant)s, %(run)s);

-- name: report_revenue
SELECT attribution.report_revenue(%(tenant)s, %(run)s, %(rows)s) AS stored;

-- name: compare_revenue
-- The run, and the first and last day of its period in the tenant's zone.
SELECT
    c.id AS run_id, c.tenant_id, c.source, c.kind, c.file_name, c.state, c.period_from, c.period_to,
    (c.period_from AT TIME ZONE t.time_zone)::date AS first_day, (c.period_to AT TIME ZONE t.time_zone)::date - 1 AS last_day,
    c.reported_rows, c.matched, c.amount_mismatch, c.missing_in_ledger, c.missing_in_report
FROM attribution.compare_revenue(%(tenant)s, %(run)s, %(partial)s) AS c
JOIN attribution.list_tenants() AS t ON t.id = c.tenant_id;

-- name: fail_reconciliation
SELECT attribution.fail_reconciliation(%(tenant)s, %(run)s, %(error)s);

-- name: reconciliation_differences
SELECT
    d.status, d.transaction_id, d.currency, c.minor_unit, d.reported_cents::text, d.ledger_cents::text,
    d.difference_cents::text, d.outside_cents::text
FROM attribution.reconciliation_differences AS d
JOIN attribution.currencies AS c ON c.code = d.currency
WHERE d.tenant_id = %(tenant)s AND d.run_id = %(run)s
ORDER BY d.status, d.transaction_id, d.currency;

-- name: platform_overclaim
-- By channel, over the days of the run.
SELECT
    o.channel_code, o.currency, c.minor_unit, count(*) AS days, sum(o.claimed_cents)::text AS claimed_cents,
    sum(o.ledger_cents)::text AS ledger_cents, sum(o.overclaim_cents)::text AS overclaim_cents
FROM attribution.reconciliation_runs AS r
JOIN attribution.tenants AS t ON t.id = r.tenant_id
JOIN attribution.platform_overclaim AS o ON o.tenant_id = r.tenant_id AND o.source = r.source
    AND o.day::timestamp AT TIME ZONE t.time_zone >= coalesce(r.period_from, '-infinity')
    AND o.day::timestamp AT TIME ZONE t.time_zone < coalesce(r.period_to, 'infinity')
JOIN attribution.currencies AS c ON c.code = o.currency
WHERE r.tenant_id = %(tenant)s AND r.id = %(run)s
GROUP BY o.channel_code, o.currency, c.minor_unit
ORDER BY o.currency, sum(o.claimed_cents) DESC, o.channel_code;
