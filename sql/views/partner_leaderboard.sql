-- partner_leaderboard: what each partner brought.
--
-- Folded sums and what has changed since; from the facts where nothing is folded that counts.

CREATE OR REPLACE VIEW attribution.partner_leaderboard
WITH (security_invoker = true)
AS
SELECT
    t.id AS tenant_id,
    d.partner_id,
    d.currency,
    sum(d.sales)::bigint AS sales,
    sum(d.conversions) AS conversions,
    sum(d.gross_cents) AS gross_cents,
    sum(d.refunded_cents) AS refunded_cents,
    sum(d.gross_cents) - sum(d.refunded_cents) AS net_cents,
    sum(d.net_usd_cents) AS net_usd_cents,
    rank() OVER (PARTITION BY t.id, d.currency ORDER BY sum(d.gross_cents) - sum(d.refunded_cents) DESC) AS rank
FROM attribution.tenants AS t
LEFT JOIN attribution.summary_states AS s ON s.tenant_id = t.id
CROSS JOIN LATERAL (
    SELECT k.partner_id, k.currency, k.sales, k.conversions, k.gross_cents, k.refunded_cents, k.net_usd_cents
    FROM attribution.partner_totals AS k
    WHERE k.tenant_id = t.id AND s.time_zone = t.time_zone
    UNION ALL
    SELECT u.* FROM attribution.unfolded_partner_totals(t.id, s.time_zone IS DISTINCT FROM t.time_zone) AS u
) AS d
GROUP BY t.id, d.partner_id, d.currency
HAVING sum(d.sales) > 0;

ALTER VIEW attribution.partner_leaderboard OWNER TO attribution_owner;

COMMENT ON VIEW attribution.partner_leaderboard IS
'Partners by what the book credits them with, refunds taken off: one row per partner and currency, for those that have a share of a sale.';
COMMENT ON COLUMN attribution.partner_leaderboard.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.partner_leaderboard.partner_id IS 'Partner.';
COMMENT ON COLUMN attribution.partner_leaderboard.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN attribution.partner_leaderboard.sales IS 'Conversions of which the partner has a share.';
COMMENT ON COLUMN attribution.partner_leaderboard.conversions IS 'Conversions credited: the sum of these shares.';
COMMENT ON COLUMN attribution.partner_leaderboard.gross_cents IS 'Revenue before refunds, minor units.';
COMMENT ON COLUMN attribution.partner_leaderboard.refunded_cents IS 'Refunds and chargebacks as a positive number, minor units.';
COMMENT ON COLUMN attribution.partner_leaderboard.net_cents IS 'gross_cents minus refunded_cents.';
COMMENT ON COLUMN attribution.partner_leaderboard.net_usd_cents IS 'Revenue after refunds in US cents, as far as rates are known.';
COMMENT ON COLUMN attribution.partner_leaderboard.rank IS 'Place by net_cents among the partners of the currency; equal amounts share one.';

REVOKE ALL ON attribution.partner_leaderboard FROM PUBLIC;
GRANT SELECT ON attribution.partner_leaderboard TO attribution_app, attribution_reader, attribution_admin;
