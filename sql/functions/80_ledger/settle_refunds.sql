-- settle_refunds(p_tenant, p_event_ids): record what became of the refunds, chargebacks and disputes of the conversions.
--
-- p_event_ids whole transactions (see transaction_events()) whose rows the caller has locked, and which it has posted, in earlier
--             statements
-- Writes      revenue_state_transitions, and event_processing: processed, or failed with RA006 or RA007, which no retry mends
--             but which new facts about the sale may; nothing where nothing changed
--
-- Recorded moves stay. Where late facts change the history, a restatement leads back to captured, and the moves that the
-- facts make follow it from the first.

CREATE OR REPLACE FUNCTION attribution.settle_refunds(p_tenant uuid, p_event_ids uuid[])
RETURNS void
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    IF NOT EXISTS ( -- as most of the time
        SELECT
        FROM unnest(p_event_ids) AS k (id)
        CROSS JOIN LATERAL (
            SELECT x.event_kind
            FROM attribution.attribution_events AS x
            WHERE x.tenant_id = p_tenant AND x.id = k.id
            OFFSET 0
        ) AS e
        WHERE e.event_kind IN ('refund', 'dispute')
    ) THEN
        RETURN;
    END IF;

    WITH steps AS MATERIALIZED (SELECT r.* FROM attribution.refund_steps(p_tenant, p_event_ids) AS r),
    sales AS MATERIALIZED (SELECT DISTINCT s.transaction_id, s.currency FROM steps AS s WHERE s.step IS NOT NULL),
    due AS MATERIALIZED (
        SELECT
            s.transaction_id, s.currency, s.event_id, s.event_type, m.from_state, m.to_state,
            row_number() OVER (PARTITION BY s.transaction_id, s.currency ORDER BY s.step, m.place) AS place
        FROM steps AS s
        CROSS JOIN LATERAL (
            VALUES
            (1, s.from_state, CASE WHEN s.to_state = 'charged_back' THEN 'disputed' ELSE s.to_state END),
            (2, 'disputed', CASE WHEN s.to_state = 'charged_back' THEN s.to_state END)
        ) AS m (place, from_state, to_state)
        WHERE s.error_code IS NULL AND m.from_state <> m.to_state
    ),
    recorded AS MATERIALIZED (
        SELECT t.*, max(t.sequence) FILTER (WHERE t.restates) OVER (PARTITION BY t.transaction_id, t.currency) AS restated
        FROM sales AS k
        CROSS JOIN LATERAL (
            SELECT i.*
            FROM attribution.revenue_state_transitions AS i
            WHERE i.tenant_id = p_tenant AND i.transaction_id = k.transaction_id AND i.currency = k.currency
            OFFSET 0
        ) AS t
    ),
    held AS ( -- the moves in force, and where the transaction stands
        SELECT
            r.transaction_id, r.currency, max(r.sequence) AS sequence,
            (array_agg(r.to_state ORDER BY r.sequence DESC))[1] AS state,
            coalesce(
                array_agg((r.event_id, r.from_state, r.to_state)::text ORDER BY r.sequence) FILTER (WHERE NOT r.restates), '{}'
            ) AS moves
        FROM recorded AS r
        WHERE r.sequence >= coalesce(r.restated, 0)
        GROUP BY r.transaction_id, r.currency
    ),
    wanted AS (
        SELECT
            k.transaction_id, k.currency, coalesce(h.sequence, 0) AS sequence, coalesce(h.state, 'captured') AS state,
            coalesce(cardinality(h.moves), 0) AS kept, coalesce(h.moves <> w.moves[:cardinality(h.moves)], false) AS is_restated
        FROM sales AS k
        LEFT JOIN held AS h USING (transaction_id, currency)
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg((d.event_id, d.from_state, d.to_state)::text ORDER BY d.place), '{}') AS moves
            FROM due AS d
            WHERE d.transaction_id = k.transaction_id AND d.currency = k.currency
        ) AS w
    ),
    moved AS (
        INSERT INTO attribution.revenue_state_transitions (
            tenant_id, transaction_id, currency, sequence, event_id, ledger_id, from_state, to_state, restates, reason, transitioned_at
        )
        SELECT
            p_tenant, m.transaction_id, m.currency,
            m.sequence + row_number() OVER (PARTITION BY m.transaction_id, m.currency ORDER BY m.place),
            m.event_id, l.id, m.from_state, m.to_state, m.event_id IS NULL, m.reason, v_now
        FROM (
            SELECT
                w.transaction_id, w.currency, w.sequence, 0 AS place, NULL::uuid AS event_id, w.state AS from_state,
                'captured' AS to_state, 'late facts changed the history' AS reason
            FROM wanted AS w
            WHERE w.is_restated
            UNION ALL
            SELECT w.transaction_id, w.currency, w.sequence, d.place, d.event_id, d.from_state, d.to_state, d.event_type
            FROM wanted AS w
            JOIN due AS d USING (transaction_id, currency)
            WHERE w.is_restated OR d.place > w.kept
        ) AS m
        LEFT JOIN LATERAL (
            SELECT i.id
            FROM attribution.revenue_ledger AS i
            WHERE i.tenant_id = p_tenant AND i.event_id = m.event_id AND i.currency = m.currency
                AND i.entry_type IN ('refund', 'chargeback') AND m.to_state <> 'disputed'
                AND NOT EXISTS (SELECT FROM attribution.revenue_ledger AS r WHERE r.tenant_id = p_tenant AND r.reverses_id = i.id)
            ORDER BY i.id
            LIMIT 1
        ) AS l ON true
        ORDER BY m.transaction_id, m.currency, m.place -- the guard looks at each row before the next
    )
    UPDATE attribution.event_processing AS p
    SET
        processing_status = CASE WHEN v.error IS NULL THEN 'processed' ELSE 'failed' END,
        processed_at = CASE WHEN v.error IS NULL THEN v_now END,
        retry_count = CASE WHEN v.error IS NULL THEN 0 ELSE p.retry_count + 1 END,
        next_retry_at = NULL,
        last_error = v.error
    FROM (
        SELECT
            r.event_id,
            CASE WHEN bool_and(r.error_code IS NOT NULL)
                THEN min(concat_ws(E'\n', r.error_code || ': ' || r.error_message, r.error_hint))
            END AS error
        FROM steps AS r
        GROUP BY r.event_id
    ) AS v
    CROSS JOIN LATERAL (
        SELECT i.ctid
        FROM attribution.event_processing AS i
        WHERE i.tenant_id = p_tenant AND i.event_id = v.event_id
        OFFSET 0
    ) AS r
    WHERE p.ctid = r.ctid
        AND (p.last_error IS DISTINCT FROM v.error OR p.processing_status = 'pending');
END
$$;

ALTER FUNCTION attribution.settle_refunds(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.settle_refunds(uuid, uuid[]) IS
'Records the state transitions of the given conversions'' transactions, and for each refund, chargeback and dispute whether it was booked or why not.';

REVOKE ALL ON FUNCTION attribution.settle_refunds(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.settle_refunds(uuid, uuid[]) TO attribution_engine;
