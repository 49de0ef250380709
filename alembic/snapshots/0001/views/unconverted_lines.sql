-- unconverted_lines: ledger lines that have no US dollars, since no exchange rate was known.

CREATE OR REPLACE VIEW attribution.unconverted_lines
WITH (security_invoker = true)
AS
SELECT
    l.tenant_id,
    l.id AS ledger_id,
    l.transaction_id,
    l.event_id,
    l.allocation_id,
    l.currency,
    l.amount_cents,
    (s.occurred_at AT TIME ZONE 'UTC')::date AS rate_day
FROM attribution.revenue_ledger AS l
JOIN attribution.attribution_allocations AS a ON a.tenant_id = l.tenant_id AND a.id = l.allocation_id
JOIN attribution.attribution_events AS s ON s.tenant_id = l.tenant_id AND s.id = a.event_id
JOIN attribution.currencies AS c ON c.code = s.currency
WHERE l.amount_usd_cents IS NULL AND l.entry_type <> 'reversal'
    AND NOT EXISTS (
        SELECT FROM attribution.revenue_ledger AS r WHERE r.tenant_id = l.tenant_id AND r.reverses_id = l.id
    )
    -- Asked of the rates and not of adjustments: a share that is worth no cent gets none.
    AND attribution.to_usd_cents(s.conversion_value_cents, c.minor_unit, (
        SELECT f.rate_to_usd
        FROM attribution.fx_rates AS f
        WHERE f.currency = s.currency AND f.rate_date <= (s.occurred_at AT TIME ZONE 'UTC')::date
        ORDER BY f.rate_date DESC
        LIMIT 1
    )) IS NULL;

ALTER VIEW attribution.unconverted_lines OWNER TO attribution_owner;

COMMENT ON VIEW attribution.unconverted_lines IS
'Ledger lines in force that have no US dollars, since no exchange rate is known: import a rate of rate_day or before, and run_pending() adds them.';
COMMENT ON COLUMN attribution.unconverted_lines.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.unconverted_lines.ledger_id IS 'The line.';
COMMENT ON COLUMN attribution.unconverted_lines.transaction_id IS 'The sale.';
COMMENT ON COLUMN attribution.unconverted_lines.event_id IS 'The conversion, refund or chargeback.';
COMMENT ON COLUMN attribution.unconverted_lines.allocation_id IS 'The allocation.';
COMMENT ON COLUMN attribution.unconverted_lines.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.unconverted_lines.amount_cents IS 'Minor units of currency.';
COMMENT ON COLUMN attribution.unconverted_lines.rate_day IS 'Day of the sale (UTC), whose rate, or the latest before it, is wanted.';

REVOKE ALL ON attribution.unconverted_lines FROM PUBLIC;
GRANT SELECT ON attribution.unconverted_lines TO attribution_app, attribution_reader, attribution_admin;
