-- summary_breaches(p_tenant): where the summaries and what is not folded yet differ from the facts.
--
-- Returns  one row per breach: check_name, object, detail
-- Reads    channel_days, ledger_days, partner_totals, conversion_paths, summary_states, unfolded_changes, and the facts
--
-- Only what views read: summaries of another time zone, or of other rules, are made anew by the next fold.

CREATE OR REPLACE FUNCTION attribution.summary_breaches(p_tenant uuid)
RETURNS TABLE (check_name text, object text, detail text)
LANGUAGE sql
STABLE
AS $$
    WITH zone AS MATERIALIZED (
        SELECT t.time_zone
        FROM attribution.tenants AS t
        JOIN attribution.summary_states AS s ON s.tenant_id = t.id AND s.time_zone = t.time_zone
        WHERE t.id = p_tenant
    ),
    sums AS ( -- kept and unfolded, less what the facts give: nothing
        SELECT
            'channel_days' AS summary, ROW(d.day, d.rule_id, d.is_book, d.currency, d.channel_code, d.campaign_id)::text AS place,
            d.sign, ARRAY[d.allocations, d.conversions, d.revenue_cents] AS sums
        FROM zone AS z
        CROSS JOIN LATERAL (
            SELECT 1 AS sign, k.day, k.rule_id, k.is_book, k.currency, k.channel_code, k.campaign_id, k.allocations, k.conversions,
                k.revenue_cents
            FROM attribution.channel_days AS k
            WHERE k.tenant_id = p_tenant
            UNION ALL
            SELECT 1, u.* FROM attribution.unfolded_channel_days(p_tenant, z.time_zone, false) AS u
            UNION ALL
            SELECT -1, u.* FROM attribution.unfolded_channel_days(p_tenant, z.time_zone, true) AS u
        ) AS d
        UNION ALL
        SELECT
            'ledger_days', ROW(d.day, d.currency)::text, d.sign,
            ARRAY[d.transactions, d.conversions, d.gross_cents, d.refunded_cents]
        FROM zone AS z
        CROSS JOIN LATERAL (
            SELECT 1 AS sign, k.day, k.currency, k.transactions, k.conversions, k.gross_cents, k.refunded_cents
            FROM attribution.ledger_days AS k
            WHERE k.tenant_id = p_tenant
            UNION ALL
            SELECT 1, u.* FROM attribution.unfolded_ledger_days(p_tenant, z.time_zone, false) AS u
            UNION ALL
            SELECT -1, u.* FROM attribution.unfolded_ledger_days(p_tenant, z.time_zone, true) AS u
        ) AS d
        UNION ALL
        SELECT
            'partner_totals', ROW(d.partner_id, d.currency)::text, d.sign,
            ARRAY[d.sales, d.conversions, d.gross_cents, d.refunded_cents, d.net_usd_cents]
        FROM zone AS z
        CROSS JOIN LATERAL (
            SELECT 1 AS sign, k.partner_id, k.currency, k.sales, k.conversions, k.gross_cents, k.refunded_cents, k.net_usd_cents
            FROM attribution.partner_totals AS k
            WHERE k.tenant_id = p_tenant
            UNION ALL
            SELECT 1, u.* FROM attribution.unfolded_partner_totals(p_tenant, false) AS u
            UNION ALL
            SELECT -1, u.* FROM attribution.unfolded_partner_totals(p_tenant, true) AS u
        ) AS d
    ),
    unfolded AS MATERIALIZED (
        SELECT u.id FROM unnest(attribution.unfolded_conversions(p_tenant)) AS u (id)
    ),
    settled AS (
        SELECT e.id
        FROM attribution.attribution_events AS e
        WHERE e.tenant_id = p_tenant AND e.event_kind = 'conversion' AND NOT EXISTS (SELECT FROM unfolded AS u WHERE u.id = e.id)
    )
    SELECT 'summary_drift', x.summary || ' ' || x.place, 'it differs from the facts: rebuild_summaries() makes it anew'
    FROM (
        SELECT s.summary, s.place, n.number, sum(s.sign * n.value) AS difference
        FROM sums AS s
        CROSS JOIN LATERAL unnest(s.sums) WITH ORDINALITY AS n (value, number)
        GROUP BY s.summary, s.place, n.number
    ) AS x
    GROUP BY x.summary, x.place
    HAVING bool_or(x.difference <> 0)
    UNION ALL
    SELECT
        'summary_drift', 'conversion_paths ' || event_id,
        format('it says %s, the journey goes %s: rebuild_summaries() makes it anew', k.path, f.path)
    FROM (
        SELECT p.*
        FROM attribution.conversion_paths AS p
        WHERE p.tenant_id = p_tenant AND NOT EXISTS (SELECT FROM unfolded AS u WHERE u.id = p.event_id)
    ) AS k
    FULL JOIN (
        SELECT p.* FROM attribution.paths_of(p_tenant, ARRAY(SELECT s.id FROM settled AS s)) AS p
    ) AS f USING (event_id)
    WHERE (k.path, k.currency, k.value_cents, k.touches, k.days) IS DISTINCT FROM (f.path, f.currency, f.value_cents, f.touches, f.days)
$$;

ALTER FUNCTION attribution.summary_breaches(uuid) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.summary_breaches(uuid) IS
'Where the summaries of a tenant, with what is not folded yet, differ from the facts: one row per breach.';

REVOKE ALL ON FUNCTION attribution.summary_breaches(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.summary_breaches(uuid) TO attribution_engine, attribution_admin;
