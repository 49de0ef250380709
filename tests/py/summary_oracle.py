"""What the views of summaries must say: their definitions straight from the facts, without anything kept."""

from collections import Counter

import engine
from engine import Connection

CHANNEL_PERFORMANCE = """
    SELECT
        a.tenant_id, (a.occurred_at AT TIME ZONE t.time_zone)::date AS day, a.channel_code, a.campaign_id,
        a.rule_id, r.name, a.is_book, a.currency, sum(a.allocation_ratio) AS conversions,
        sum(a.allocated_revenue_cents) AS revenue_cents,
        round(sum(a.allocated_revenue_cents) / nullif(sum(sum(a.allocated_revenue_cents)) OVER (
            PARTITION BY (a.occurred_at AT TIME ZONE t.time_zone)::date, a.rule_id, a.is_book, a.currency
        ), 0), 6) AS revenue_share
    FROM attribution.attribution_allocations AS a
    JOIN attribution.tenants AS t ON t.id = a.tenant_id
    JOIN attribution.attribution_rules AS r ON r.tenant_id = a.tenant_id AND r.id = a.rule_id
    WHERE a.superseded_at IS NULL AND a.tenant_id = %(tenant)s
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    """
MODEL_COMPARISON = """
    SELECT
        a.tenant_id, a.channel_code, a.currency, a.rule_id, r.name, r.model_type, a.is_book,
        sum(a.allocation_ratio) AS conversions, sum(a.allocated_revenue_cents) AS revenue_cents,
        round(sum(a.allocated_revenue_cents) / nullif(sum(sum(a.allocated_revenue_cents)) OVER (
            PARTITION BY a.rule_id, a.is_book, a.currency
        ), 0), 6) AS revenue_share
    FROM attribution.attribution_allocations AS a
    JOIN attribution.attribution_rules AS r ON r.tenant_id = a.tenant_id AND r.id = a.rule_id
    WHERE a.superseded_at IS NULL AND a.tenant_id = %(tenant)s
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    """
DAILY_REVENUE_SUMMARY = """
    SELECT
        l.tenant_id, (l.occurred_at AT TIME ZONE t.time_zone)::date AS day, l.currency,
        count(DISTINCT l.transaction_id) AS transactions,
        count(DISTINCT l.event_id) FILTER (WHERE l.account = 'revenue') AS conversions,
        coalesce(sum(l.amount_cents) FILTER (WHERE l.account = 'revenue'), 0) AS gross_cents,
        coalesce(-sum(l.amount_cents) FILTER (WHERE l.account = 'returns'), 0) AS refunded_cents,
        sum(l.amount_cents) AS net_cents
    FROM attribution.revenue_ledger AS l
    JOIN attribution.tenants AS t ON t.id = l.tenant_id
    WHERE l.tenant_id = %(tenant)s
    GROUP BY 1, 2, 3
    """
JOURNEY_PATHS = """
    WITH journeys AS (
        SELECT
            j.event_id, j.currency, j.value_cents, max(j.touches) AS touches,
            extract(epoch FROM max(j.age)) / 86400 AS days,
            coalesce(string_agg(j.channel_code, ' > ' ORDER BY j."position"), 'unattributed') AS path
        FROM (
            SELECT array_agg(e.id) AS event_ids
            FROM attribution.attribution_events AS e
            WHERE e.tenant_id = %(tenant)s AND e.event_kind = 'conversion'
        ) AS c
        CROSS JOIN LATERAL attribution.journeys(%(tenant)s, c.event_ids) AS j
        WHERE j.is_book
        GROUP BY j.event_id, j.currency, j.value_cents
    )
    SELECT
        %(tenant)s::uuid, j.path, j.currency, count(*), sum(j.value_cents),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY j.touches),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY j.days)
    FROM journeys AS j
    GROUP BY j.path, j.currency
    """
PARTNER_LEADERBOARD = """
    SELECT
        %(tenant)s::uuid, s.partner_id, s.currency, s.sales, s.conversions, coalesce(l.gross, 0),
        coalesce(l.refunded, 0), coalesce(l.gross, 0) - coalesce(l.refunded, 0), coalesce(l.usd, 0),
        rank() OVER (PARTITION BY s.currency ORDER BY coalesce(l.gross, 0) - coalesce(l.refunded, 0) DESC)
    FROM (
        SELECT a.partner_id, a.currency, count(DISTINCT a.event_id) AS sales,
            sum(a.allocation_ratio) AS conversions
        FROM attribution.attribution_allocations AS a
        WHERE a.tenant_id = %(tenant)s AND a.superseded_at IS NULL AND a.is_book
            AND a.partner_id IS NOT NULL
        GROUP BY a.partner_id, a.currency
    ) AS s
    LEFT JOIN (
        SELECT l.partner_id, l.currency, sum(l.amount_usd_cents) AS usd,
            sum(l.amount_cents) FILTER (WHERE l.account = 'revenue') AS gross,
            -sum(l.amount_cents) FILTER (WHERE l.account = 'returns') AS refunded
        FROM attribution.revenue_ledger AS l
        WHERE l.tenant_id = %(tenant)s
        GROUP BY l.partner_id, l.currency
    ) AS l USING (partner_id, currency)
    """
DEFINITIONS = {
    "channel_performance": CHANNEL_PERFORMANCE,
    "model_comparison": MODEL_COMPARISON,
    "daily_revenue_summary": DAILY_REVENUE_SUMMARY,
    "journey_paths": JOURNEY_PATHS,
    "partner_leaderboard": PARTNER_LEADERBOARD,
}
KEPT = ("channel_days", "ledger_days", "partner_totals", "conversion_paths")


def wrong(conn: Connection, tenant: str) -> dict[str, tuple[engine.Rows, engine.Rows]]:
    """The views that differ from their definitions: what they show beyond it, and what they lack.

    A view and its definition are two statements: where others write, call it in one snapshot.
    """
    found = {}
    for view, definition in DEFINITIONS.items():
        query = f"SELECT * FROM attribution.{view} WHERE tenant_id = %(tenant)s"
        shown, due = (Counter(conn.execute(q.encode(), {"tenant": tenant}).fetchall())
                      for q in (query, definition))  # fmt: skip
        if shown != due:
            found[view] = list((shown - due).elements()), list((due - shown).elements())
    return found


def unfolded(conn: Connection, tenant: str) -> int:
    """How many changes wait to be folded."""
    return int(
        engine.one(conn, "SELECT count(*) FROM attribution.unfolded_changes WHERE tenant_id = %s", tenant)
    )
