-- model_comparison: what each channel earns under each active rule.
--
-- Folded sums and what has changed since; from the facts where nothing is folded that counts.

CREATE OR REPLACE VIEW attribution.model_comparison
WITH (security_invoker = true)
AS
SELECT
    t.id AS tenant_id,
    d.channel_code,
    d.currency,
    d.rule_id,
    r.name AS rule_name,
    r.model_type,
    d.is_book,
    sum(d.conversions) AS conversions,
    sum(d.revenue_cents) AS revenue_cents,
    round(sum(d.revenue_cents) / nullif(sum(sum(d.revenue_cents)) OVER (
        PARTITION BY t.id, d.rule_id, d.is_book, d.currency
    ), 0), 6) AS revenue_share
FROM attribution.tenants AS t
LEFT JOIN attribution.summary_states AS s ON s.tenant_id = t.id
CROSS JOIN LATERAL (
    SELECT k.rule_id, k.is_book, k.currency, k.channel_code, k.allocations, k.conversions, k.revenue_cents
    FROM attribution.channel_days AS k
    WHERE k.tenant_id = t.id AND s.time_zone = t.time_zone
    UNION ALL
    SELECT u.rule_id, u.is_book, u.currency, u.channel_code, u.allocations, u.conversions, u.revenue_cents
    FROM attribution.unfolded_channel_days(t.id, t.time_zone, s.time_zone IS DISTINCT FROM t.time_zone) AS u
) AS d
JOIN attribution.attribution_rules AS r ON r.tenant_id = t.id AND r.id = d.rule_id
GROUP BY t.id, d.channel_code, d.currency, d.rule_id, r.name, r.model_type, d.is_book
HAVING sum(d.allocations) > 0;

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
