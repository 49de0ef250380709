-- allocation_summary: the proof, per conversion and rule, that shares sum to the value.

CREATE OR REPLACE VIEW attribution.allocation_summary
WITH (security_invoker = true)
AS
SELECT
    a.tenant_id,
    a.event_id,
    coalesce(e.transaction_id, e.id::text) AS transaction_id,
    a.rule_id,
    r.name AS rule_name,
    a.is_book,
    a.currency,
    e.conversion_value_cents AS revenue_cents,
    sum(a.allocated_revenue_cents) AS allocated_cents,
    e.conversion_value_cents - sum(a.allocated_revenue_cents) AS drift_cents,
    count(a.touch_id) AS touches
FROM attribution.attribution_allocations AS a
JOIN attribution.attribution_events AS e ON e.tenant_id = a.tenant_id AND e.id = a.event_id
JOIN attribution.attribution_rules AS r ON r.tenant_id = a.tenant_id AND r.id = a.rule_id
WHERE a.superseded_at IS NULL AND r.constraint_mode <> 'allow_double_counting'
GROUP BY a.tenant_id, a.event_id, e.transaction_id, e.id, a.rule_id, r.name, a.is_book, a.currency, e.conversion_value_cents;

ALTER VIEW attribution.allocation_summary OWNER TO attribution_owner;

COMMENT ON VIEW attribution.allocation_summary IS
'Per conversion and rule: its value, what is allocated, and the difference, which is always 0. Rules that count double on purpose are left out.';
COMMENT ON COLUMN attribution.allocation_summary.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.allocation_summary.event_id IS 'Conversion.';
COMMENT ON COLUMN attribution.allocation_summary.transaction_id IS 'The sale; the conversion''s id where the sender named none.';
COMMENT ON COLUMN attribution.allocation_summary.rule_id IS 'Rule version.';
COMMENT ON COLUMN attribution.allocation_summary.rule_name IS 'Name of the rule.';
COMMENT ON COLUMN attribution.allocation_summary.is_book IS 'True: posted to the ledger.';
COMMENT ON COLUMN attribution.allocation_summary.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.allocation_summary.revenue_cents IS 'Value of the conversion, minor units.';
COMMENT ON COLUMN attribution.allocation_summary.allocated_cents IS 'Sum of the shares, minor units.';
COMMENT ON COLUMN attribution.allocation_summary.drift_cents IS 'revenue_cents minus allocated_cents: always 0.';
COMMENT ON COLUMN attribution.allocation_summary.touches IS 'Touches with a share.';

REVOKE ALL ON attribution.allocation_summary FROM PUBLIC;
GRANT SELECT ON attribution.allocation_summary TO attribution_app, attribution_reader, attribution_admin;
