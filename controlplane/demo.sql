-- The demo's statements, by name. Every figure that it prints is computed here.
-- Parameters: tenant (uuid), keys (text[]: the keys that were sent), event (uuid: a conversion), rule (uuid), rates (jsonb).

-- name: session
-- Who we are to the server: an app, and held by the policies.
SELECT
    rolname AS role,
    pg_catalog.pg_has_role(rolname, 'attribution_app', 'MEMBER') AS is_app,
    rolsuper OR rolbypassrls AS is_above_policies
FROM pg_catalog.pg_roles
WHERE rolname = session_user;

-- name: sample_rates
-- Only for currencies of which no rate is known: rates are everyone's, and a real one is not to be mixed with samples.
SELECT i.added
FROM attribution.import_fx_rates(
    (
        SELECT coalesce(jsonb_agg(s.rate), '[]')
        FROM jsonb_array_elements(%(rates)s) AS s (rate)
        WHERE NOT EXISTS (SELECT FROM attribution.fx_rates AS f WHERE f.currency = s.rate ->> 'currency')
    ),
    'ctl demo: sample rates'
) AS i;

-- name: send
-- What an app would write: PostgreSQL refuses COPY under row-level security, and this is as fast.
INSERT INTO attribution.attribution_events (
    external_event_id, event_type, session_id, occurred_at, channel, campaign_id, partner_id, partner_role,
    conversion_value_cents, currency, transaction_id, raw_payload
)
SELECT *
FROM
    unnest(
        %(external_event_id)s::text[], %(event_type)s::text[], %(session_id)s::uuid[],
        %(occurred_at)s::timestamptz[], %(channel)s::text[], %(campaign_id)s::text[], %(partner_id)s::text[],
        %(partner_role)s::text[], %(conversion_value_cents)s::bigint[], %(currency)s::text[],
        %(transaction_id)s::text[], %(raw_payload)s::jsonb[]
    )
ON CONFLICT DO NOTHING;

-- name: holdings
-- What the tenant has: taken before and after, the difference is what a run did.
SELECT
    (SELECT count(*) FROM attribution.attribution_events WHERE tenant_id = %(tenant)s) AS events,
    (SELECT count(*) FROM attribution.dead_events WHERE tenant_id = %(tenant)s) AS dead_events,
    (SELECT count(*) FROM attribution.attribution_allocations WHERE tenant_id = %(tenant)s) AS allocations,
    (SELECT count(*) FROM attribution.revenue_ledger WHERE tenant_id = %(tenant)s) AS ledger_lines;

-- name: quarantine
SELECT error_code, count(*) AS dead_events
FROM attribution.dead_events
WHERE tenant_id = %(tenant)s
GROUP BY error_code
ORDER BY error_code;

-- name: lost
-- Deliveries that are neither an event nor a dead event: the guarantee is that there are none.
SELECT count(*) AS lost
FROM unnest(%(keys)s::text[]) AS sent (key)
WHERE
    NOT EXISTS (
        SELECT 1 FROM attribution.attribution_events AS e
        WHERE e.tenant_id = %(tenant)s AND e.idempotency_key = sent.key
    )
    AND NOT EXISTS (
        SELECT 1 FROM attribution.dead_events AS d
        WHERE d.tenant_id = %(tenant)s AND d.idempotency_key = sent.key
    );

-- name: proof
-- Three independent roads to one sum: the facts as sent, the transactions, and the ledger line by line.
WITH facts AS (
    SELECT
        e.currency,
        count(*) FILTER (WHERE e.event_kind = 'conversion') AS conversions,
        coalesce(sum(e.conversion_value_cents) FILTER (WHERE e.event_kind = 'conversion'), 0)::bigint AS captured_cents,
        coalesce(sum(e.conversion_value_cents) FILTER (WHERE e.event_kind = 'refund'), 0)::bigint AS taken_back_cents
    FROM attribution.attribution_events AS e
    WHERE e.tenant_id = %(tenant)s AND e.event_kind IN ('conversion', 'refund')
    GROUP BY e.currency
),

transactions AS (
    SELECT
        currency,
        sum(captured_cents)::bigint AS posted_cents,
        sum(refunded_cents)::bigint AS refunded_cents,
        sum(net_cents)::bigint AS net_cents,
        sum(net_usd_cents)::bigint AS net_usd_cents
    FROM attribution.revenue_transactions
    WHERE tenant_id = %(tenant)s
    GROUP BY currency
),

ledger AS (
    SELECT currency, count(*) AS ledger_lines, sum(amount_cents)::bigint AS ledger_cents
    FROM attribution.revenue_ledger
    WHERE tenant_id = %(tenant)s
    GROUP BY currency
),

shares AS (
    SELECT currency, sum(abs(drift_cents))::bigint AS drift_cents
    FROM attribution.allocation_summary
    WHERE tenant_id = %(tenant)s AND is_book
    GROUP BY currency
)

SELECT
    currency,
    conversions,
    captured_cents,
    refunded_cents,
    net_cents,
    net_usd_cents,
    ledger_lines,
    ledger_cents,
    drift_cents,
    coalesce(
        captured_cents = posted_cents AND taken_back_cents = refunded_cents
        AND captured_cents - taken_back_cents = ledger_cents AND net_cents = ledger_cents AND drift_cents = 0,
        FALSE
    ) AS is_exact
FROM facts
FULL JOIN transactions USING (currency)
FULL JOIN ledger USING (currency)
FULL JOIN shares USING (currency)
ORDER BY currency;

-- name: states
-- How many sales are in which state.
SELECT state, count(*) AS transactions
FROM attribution.revenue_transactions
WHERE tenant_id = %(tenant)s
GROUP BY state
ORDER BY count(*) DESC, state;

-- name: queue_depth
SELECT queue_depth
FROM attribution.pipeline_health
WHERE tenant_id = %(tenant)s;

-- name: story
-- A sale worth telling: several touches, and if there is one, restated because a touch came late, and not taken back.
SELECT
    s.event_id, s.transaction_id, s.rule_id, s.rule_name, s.currency, s.revenue_cents, s.allocated_cents,
    s.touches, e.event_type, e.occurred_at, e.session_id
FROM attribution.allocation_summary AS s
INNER JOIN attribution.revenue_transactions AS t
    ON t.tenant_id = s.tenant_id AND t.transaction_id = s.transaction_id
INNER JOIN attribution.attribution_events AS e ON e.tenant_id = s.tenant_id AND e.id = s.event_id
WHERE s.tenant_id = %(tenant)s AND s.is_book AND s.touches BETWEEN 3 AND 6
ORDER BY t.refunded_cents = 0 AND t.lines > s.touches DESC, s.touches DESC, s.transaction_id
LIMIT 1;

-- name: story_shares
-- Who earned what in that sale, and why.
SELECT
    a.position,
    touch.occurred_at,
    touch.event_type,
    a.channel_code,
    a.campaign_id,
    a.partner_id,
    a.allocation_ratio,
    a.allocated_revenue_cents,
    a.reason
FROM attribution.attribution_allocations AS a
LEFT JOIN attribution.attribution_events AS touch
    ON touch.tenant_id = a.tenant_id AND touch.id = a.touch_id
WHERE
    a.tenant_id = %(tenant)s AND a.event_id = %(event)s AND a.rule_id = %(rule)s
    AND a.superseded_at IS NULL
ORDER BY a.position;

-- name: story_postings
-- The sale's journal entries in order; what a restatement reverses it posts again.
SELECT
    b.kind,
    count(*) AS lines,
    coalesce(sum(l.amount_cents) FILTER (WHERE l.amount_cents > 0), 0)::bigint AS credited_cents,
    coalesce(sum(l.amount_cents) FILTER (WHERE l.amount_cents < 0), 0)::bigint AS reversed_cents,
    sum(l.amount_cents)::bigint AS amount_cents,
    b.reason
FROM attribution.revenue_ledger AS l
INNER JOIN attribution.ledger_batches AS b ON b.tenant_id = l.tenant_id AND b.id = l.batch_id
WHERE l.tenant_id = %(tenant)s AND l.event_id = %(event)s
GROUP BY b.id, b.kind, b.reason, b.posted_at
ORDER BY b.posted_at, b.id;
