-- model_comparison: what each channel earns under each active rule.

CREATE OR REPLACE VIEW attribution.model_comparison
WITH (security_invoker = true)
AS
SELECT
    a.tenant_id,
    a.channel_code,
    a.currency,
    a.rule_id,
    r.name AS rule_name,
    r.model_type,
    a.is_book,
    sum(a.allocation_ratio) AS conversions,
    sum(a.allocated_revenue_cents) AS revenue_cents,
    round(sum(a.allocated_revenue_cents) / nullif(sum(sum(a.allocated_revenue_cents)) OVER (
        PARTITION BY a.tenant_id, a.rule_id, a.is_book, a.currency
    ), 0), 6) AS revenue_share
FROM attribution.attribution_allocations AS a
JOIN attribution.attribution_rules AS r ON r.tenant_id = a.tenant_id AND r.id = a.rule_id
WHERE a.superseded_at IS NULL
GROUP BY a.tenant_id, a.channel_code, a.currency, a.rule_id, r.name, r.model_type, a.is_book;

ALTER VIEW attribution.model_comparison OWNER TO attribution_owner;

COMMENT ON VIEW attribution.model_comparison IS
'Credit by channel under each rule, over all time: what would change if another rule were the book.';
COMMENT ON COLUMN attribution.model_comparison.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.model_comparison.channel_code IS 'Channel.';
COMMENT ON COLUMN attribution.model_comparison.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.model_comparison.rule_id IS 'Rule version.';
COMMENT ON COLUMN attribution.model_comparison.rule_name IS 'Name of the rule.';
COMMENT ON COLUMN attribution.model_comparison.model_type IS 'Its model.';
COMMENT ON COLUMN attribution.model_comparison.is_book IS 'True: posted to the ledger.';
COMMENT ON COLUMN attribution.model_comparison.conversions IS 'Conversions credited: the sum of the shares.';
COMMENT ON COLUMN attribution.model_comparison.revenue_cents IS 'Credit in minor units.';
COMMENT ON COLUMN attribution.model_comparison.revenue_share IS 'Part of all credit under this rule in this currency, 0 to 1.';

REVOKE ALL ON attribution.model_comparison FROM PUBLIC;
GRANT SELECT ON attribution.model_comparison TO attribution_app, attribution_reader, attribution_admin;
