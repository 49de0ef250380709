-- unfolded_partner_totals(p_tenant, p_all): what partner_totals lacks.
--
-- p_all    true: nothing is folded; what all of partner_totals would be
-- Returns  rows to add to partner_totals, or below zero where credit went elsewhere
-- Reads    see unfolded_allocations() and unfolded_lines(); attribution_allocations, by event
--
-- Whether a partner had a share of a sale before the changes: it has as many shares now as it had then and as came since.

CREATE OR REPLACE FUNCTION attribution.unfolded_partner_totals(p_tenant uuid, p_all boolean)
RETURNS TABLE (
    partner_id text,
    currency text,
    sales bigint,
    conversions numeric,
    gross_cents numeric,
    refunded_cents numeric,
    net_usd_cents numeric
)
LANGUAGE plpgsql
STABLE
SET jit = off
AS $$
BEGIN
    RETURN QUERY
    WITH shares AS MATERIALIZED (
        SELECT a.event_id, a.partner_id, a.currency, sum(a.sign) AS came, sum(a.sign * a.allocation_ratio) AS ratio
        FROM attribution.unfolded_allocations(p_tenant, p_all) AS a
        WHERE a.is_book AND a.partner_id IS NOT NULL
        GROUP BY a.event_id, a.partner_id, a.currency
    ),
    counted AS MATERIALIZED (
        SELECT s.*, CASE WHEN p_all THEN s.came ELSE (
            SELECT count(*)
            FROM attribution.attribution_allocations AS x
            WHERE x.tenant_id = p_tenant AND x.event_id = s.event_id AND x.superseded_at IS NULL AND x.is_book
                AND x.partner_id = s.partner_id
        ) END AS held
        FROM shares AS s
    ),
    parts AS (
        SELECT
            c.partner_id, c.currency, (c.held > 0)::int - (c.held - c.came > 0)::int AS sales, c.ratio AS conversions,
            0::numeric AS gross_cents, 0::numeric AS refunded_cents, 0::numeric AS net_usd_cents
        FROM counted AS c
        UNION ALL
        SELECT
            l.partner_id, l.currency, 0, 0, CASE l.account WHEN 'revenue' THEN l.amount_cents ELSE 0 END,
            CASE l.account WHEN 'returns' THEN -l.amount_cents ELSE 0 END, coalesce(l.amount_usd_cents, 0)
        FROM attribution.unfolded_lines(p_tenant, p_all) AS l
        WHERE l.partner_id IS NOT NULL
    )
    SELECT
        p.partner_id, p.currency, sum(p.sales), sum(p.conversions), sum(p.gross_cents), sum(p.refunded_cents),
        sum(p.net_usd_cents)
    FROM parts AS p
    GROUP BY p.partner_id, p.currency;
END
$$;

ALTER FUNCTION attribution.unfolded_partner_totals(uuid, boolean) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.unfolded_partner_totals(uuid, boolean) IS
'What is to be added to partner_totals to have it say what the book and the ledger say; with p_all, all that they say.';

REVOKE ALL ON FUNCTION attribution.unfolded_partner_totals(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.unfolded_partner_totals(uuid, boolean)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
