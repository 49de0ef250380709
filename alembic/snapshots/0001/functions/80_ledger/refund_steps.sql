-- refund_steps(p_tenant, p_event_ids): what refunds, chargebacks and disputes do to their sales, one step after the other.
--
-- p_event_ids conversions, refunds, chargebacks and disputes: whole transactions; see transaction_events()
-- Returns     per transaction, currency and event, in the order (occurred_at, disputes first, id): the states before and after,
--             and what is left on each allocation before and after. An event that may not be booked leaves both as they
--             are and says why: RA006 illegal move, RA007 more than is left, or another currency than the sale's (step is
--             null then). An event in the sale's currency has one row, a dispute that names none has one per currency.
-- Reads       attribution_events, attribution_allocations, revenue_state_moves
--
-- A function of the facts alone: whatever order they arrived in, and whatever was booked before. The sale itself comes
-- first, whenever it was. Transactions without such events have no row. Events that were not given do not count: only the
-- caller knows which it has locked, and what comes in meanwhile is not to be seen by one of its statements alone.

CREATE OR REPLACE FUNCTION attribution.refund_steps(p_tenant uuid, p_event_ids uuid[])
RETURNS TABLE (
    transaction_id text,
    currency text,
    step int,
    event_id uuid,
    event_type text,
    occurred_at timestamptz,
    from_state text,
    to_state text,
    allocation_ids uuid[],
    left_before bigint[],
    left_after bigint[],
    error_code text,
    error_message text,
    error_hint text
)
LANGUAGE sql
STABLE
AS $$
    WITH RECURSIVE given AS MATERIALIZED (
        SELECT e.*, bool_or(e.event_kind <> 'conversion') OVER (PARTITION BY e.transaction_id) AS is_taken_back
        FROM unnest(p_event_ids) AS k (id)
        CROSS JOIN LATERAL (
            SELECT
                coalesce(x.transaction_id, x.id::text) AS transaction_id, x.id, x.event_type, x.event_kind, x.occurred_at,
                x.conversion_value_cents AS cents, x.currency
            FROM attribution.attribution_events AS x
            WHERE x.tenant_id = p_tenant AND x.id = k.id
            OFFSET 0
        ) AS e
        WHERE e.event_kind IN ('conversion', 'refund', 'dispute')
    ),
    taken_back AS MATERIALIZED (
        SELECT g.* FROM given AS g WHERE g.event_kind <> 'conversion'
    ),
    sales AS MATERIALIZED ( -- what each of their allocations holds at first
        SELECT
            e.transaction_id, a.currency,
            array_agg(a.id ORDER BY e.occurred_at, e.id, a."position" = 0, a."position") AS allocation_ids,
            array_agg(a.allocated_revenue_cents ORDER BY e.occurred_at, e.id, a."position" = 0, a."position") AS cents,
            sum(a.allocated_revenue_cents) AS captured
        FROM given AS e
        CROSS JOIN LATERAL (
            SELECT x.*
            FROM attribution.attribution_allocations AS x
            WHERE x.tenant_id = p_tenant AND x.event_id = e.id AND x.superseded_at IS NULL AND x.is_book
            OFFSET 0
        ) AS a
        WHERE e.event_kind = 'conversion' AND e.is_taken_back
        GROUP BY e.transaction_id, a.currency
    ),
    steps AS MATERIALIZED (
        SELECT
            s.transaction_id, s.currency, b.id, b.event_type, b.event_kind, b.occurred_at, b.cents,
            row_number() OVER (
                PARTITION BY s.transaction_id, s.currency ORDER BY b.occurred_at, b.event_kind = 'refund', b.id
            )::int AS step
        FROM sales AS s
        JOIN taken_back AS b
            ON b.transaction_id = s.transaction_id
            AND (b.currency = s.currency OR (b.event_kind = 'dispute' AND b.currency IS NULL))
    ),
    history AS (
        SELECT
            s.transaction_id, s.currency, 0 AS step, NULL::uuid AS event_id, NULL::text COLLATE "C" AS event_type,
            NULL::timestamptz AS occurred_at, NULL::text COLLATE "C" AS from_state,
            'captured' COLLATE "C" AS to_state, s.allocation_ids,
            s.cents AS left_before, s.cents AS left_after, s.captured, NULL::text AS error_code,
            NULL::text COLLATE "C" AS error_message, NULL::text AS error_hint
        FROM sales AS s
        UNION ALL
        SELECT
            h.transaction_id, h.currency, s.step, s.id, s.event_type, s.occurred_at, h.to_state,
            CASE WHEN v.error_code IS NULL THEN w.to_state ELSE h.to_state END COLLATE "C",
            h.allocation_ids, h.left_after,
            CASE
                WHEN v.error_code IS NULL AND s.event_kind = 'refund' THEN ARRAY(
                    SELECT d.held - d.taken
                    FROM unnest(h.left_after, attribution.divide_cents(s.cents, h.left_after::numeric[]))
                    WITH ORDINALITY AS d (held, taken, place)
                    ORDER BY d.place
                )
                ELSE h.left_after
            END,
            h.captured, v.error_code,
            CASE v.error_code
                WHEN 'RA006' THEN format('ILLEGAL_STATE: no %s of a transaction that is %s', s.event_type, h.to_state)
                WHEN 'RA007' THEN format('OVER_REFUND: %s of %s %s, and %s are left', s.event_type, s.cents, h.currency, l.cents)
            END,
            CASE v.error_code
                WHEN 'RA006' THEN 'Legal moves are in attribution.revenue_state_moves. It is booked by itself if earlier events turn up.'
                WHEN 'RA007' THEN 'Amounts are minor units; explain_transaction() tells what was taken back before. '
                    'It is booked by itself if more of the sale turns up.'
            END
        FROM history AS h
        JOIN steps AS s ON s.transaction_id = h.transaction_id AND s.currency = h.currency AND s.step = h.step + 1
        CROSS JOIN LATERAL (SELECT sum(x.cents) AS cents FROM unnest(h.left_after) AS x (cents)) AS l
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN s.event_type = 'chargeback' THEN 'charged_back'
                WHEN s.event_kind = 'refund' THEN CASE WHEN s.cents = l.cents THEN 'refunded' ELSE 'partially_refunded' END
                WHEN s.event_type <> 'dispute_won' THEN 'disputed'
                WHEN l.cents = h.captured THEN 'captured'
                ELSE 'partially_refunded'
            END AS to_state
        ) AS w
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN s.event_kind = 'refund' AND s.cents > l.cents THEN 'RA007'
                WHEN h.to_state = 'partially_refunded' AND w.to_state = 'partially_refunded' AND s.event_kind = 'refund' THEN NULL
                WHEN NOT EXISTS (
                    SELECT
                    FROM attribution.revenue_state_moves AS m
                    WHERE NOT m.restates AND m.to_state = w.to_state AND (
                        m.from_state = h.to_state
                        -- A chargeback that no dispute announced is both.
                        OR (w.to_state = 'charged_back' AND m.from_state = 'disputed' AND EXISTS (
                            SELECT
                            FROM attribution.revenue_state_moves AS o
                            WHERE NOT o.restates AND o.from_state = h.to_state AND o.to_state = 'disputed'
                        ))
                    )
                ) THEN 'RA006'
            END AS error_code
        ) AS v
    )
    SELECT
        h.transaction_id, h.currency, h.step, h.event_id, h.event_type, h.occurred_at, h.from_state, h.to_state,
        h.allocation_ids, h.left_before, h.left_after, h.error_code, h.error_message, h.error_hint
    FROM history AS h
    WHERE h.step > 0
    UNION ALL
    SELECT
        b.transaction_id, b.currency, NULL, b.id, b.event_type, b.occurred_at, NULL, NULL, NULL, NULL, NULL, 'RA007',
        format('CURRENCY_MISMATCH: %s in %s of a sale in %s', b.event_type, b.currency, string_agg(s.currency, ', ' ORDER BY s.currency)),
        'Send it in the currency of the sale: what is taken back is taken from the amounts that were captured.'
    FROM taken_back AS b
    JOIN sales AS s ON s.transaction_id = b.transaction_id
    WHERE b.currency IS NOT NULL
    GROUP BY b.transaction_id, b.currency, b.id, b.event_type, b.occurred_at
    HAVING bool_and(s.currency <> b.currency)
$$;

ALTER FUNCTION attribution.refund_steps(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.refund_steps(uuid, uuid[]) IS
'What refunds, chargebacks and disputes do to the transactions of the given conversions, step by step: states, what is left on each allocation, or why not (RA006, RA007).';

REVOKE ALL ON FUNCTION attribution.refund_steps(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.refund_steps(uuid, uuid[])
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
