-- unfolded_ledger_days(p_tenant, p_zone, p_all): what ledger_days lacks.
--
-- p_zone   the zone in which a day begins and ends
-- p_all    true: nothing is folded; what all of ledger_days would be
-- Returns  rows to add to ledger_days
-- Reads    see unfolded_lines(); revenue_ledger, by transaction and by event
--
-- A transaction counts once on a day, and a conversion once: where all of its lines are new it is new; else it was counted
-- with the first of them. Lines never go, so nothing is ever to be taken off.

CREATE OR REPLACE FUNCTION attribution.unfolded_ledger_days(p_tenant uuid, p_zone text, p_all boolean)
RETURNS TABLE (
    day date,
    currency text,
    transactions bigint,
    conversions bigint,
    gross_cents numeric,
    refunded_cents numeric
)
LANGUAGE plpgsql
STABLE
SET jit = off
AS $$
BEGIN
    RETURN QUERY
    WITH events AS MATERIALIZED (
        SELECT
            (l.occurred_at AT TIME ZONE p_zone)::date AS day, l.currency, l.transaction_id, l.event_id, l.account,
            count(*) AS lines, sum(l.amount_cents) AS cents
        FROM attribution.unfolded_lines(p_tenant, p_all) AS l
        GROUP BY 1, l.currency, l.transaction_id, l.event_id, l.account
    ),
    parts AS (
        SELECT
            e.day, e.currency, 0::bigint AS transactions,
            CASE WHEN e.account = 'returns' THEN 0 WHEN p_all OR e.lines = (
                SELECT count(*)
                FROM attribution.revenue_ledger AS x
                WHERE x.tenant_id = p_tenant AND x.event_id = e.event_id AND x.currency = e.currency AND x.account = 'revenue'
            ) THEN 1 ELSE 0 END AS conversions,
            CASE e.account WHEN 'revenue' THEN e.cents ELSE 0 END AS gross_cents,
            CASE e.account WHEN 'returns' THEN -e.cents ELSE 0 END AS refunded_cents
        FROM events AS e
        UNION ALL
        SELECT
            t.day, t.currency,
            CASE WHEN p_all OR t.lines = (
                SELECT count(*)
                FROM attribution.revenue_ledger AS x
                WHERE x.tenant_id = p_tenant AND x.transaction_id = t.transaction_id AND x.currency = t.currency
                    AND (x.occurred_at AT TIME ZONE p_zone)::date = t.day
            ) THEN 1 ELSE 0 END, 0, 0, 0
        FROM (
            SELECT e.day, e.currency, e.transaction_id, sum(e.lines) AS lines
            FROM events AS e
            GROUP BY e.day, e.currency, e.transaction_id
        ) AS t
    )
    SELECT
        p.day, p.currency, sum(p.transactions)::bigint, sum(p.conversions)::bigint, sum(p.gross_cents), sum(p.refunded_cents)
    FROM parts AS p
    GROUP BY p.day, p.currency;
END
$$;

ALTER FUNCTION attribution.unfolded_ledger_days(uuid, text, boolean) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.unfolded_ledger_days(uuid, text, boolean) IS
'What is to be added to ledger_days to have it say what the ledger says; with p_all, all that it says.';

REVOKE ALL ON FUNCTION attribution.unfolded_ledger_days(uuid, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.unfolded_ledger_days(uuid, text, boolean)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
