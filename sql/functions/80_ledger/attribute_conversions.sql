-- attribute_conversions(p_tenant, p_event_ids, p_wait): attribute conversions and post the result, refunds included.
--
-- p_event_ids conversions, refunds, chargebacks and disputes (others are ignored): what is worked on are the whole
--             transactions that they belong to, since a refund is divided among all conversions of its transaction
-- p_wait      false: leave out what another transaction is working on, for whoever takes it from the queue
-- Returns     how many conversions changed
-- Writes      attribution_allocations, ledger_batches, revenue_ledger, revenue_state_transitions, event_processing
--
-- All rows of a transaction are locked in key order, and everything is computed in later statements, which see what the
-- previous holder of the lock committed: two workers on one sale can neither deadlock nor overwrite the newer result. What
-- arrives in between has its own place in the queue: every step is given the same events, and looks at no others.
-- Needs READ COMMITTED for that; process_batch() and rebuild() make sure of it. What the own transaction has just inserted
-- is visible to nobody else, so under other levels the insert's trigger works on transactions that have nothing else.
--
-- Almost every conversion is new when it comes here: book_conversions() makes short work of it. What was attributed or taken
-- back before is compared with what is due.
--
-- Its statements are large, and made so that one plan serves one conversion as well as a thousand: planning them anew for
-- each call, as PostgreSQL would choose to, took four fifths of the time of a single sale. Compiling them takes longer than
-- any of them runs. A plan that was made while a table was empty must do when it is not, so none scans one; foreign keys,
-- whose checks are planned when they are first needed, gain from that, too.

CREATE OR REPLACE FUNCTION attribution.attribute_conversions(p_tenant uuid, p_event_ids uuid[], p_wait boolean DEFAULT true)
RETURNS int
LANGUAGE plpgsql
VOLATILE
SET plan_cache_mode = force_generic_plan
SET jit = off
SET enable_seqscan = off
AS $$
DECLARE
    v_events uuid[] := attribution.transaction_events(p_tenant, p_event_ids);
    v_latest uuid[];
    v_locked uuid[] := p_event_ids;
    v_new uuid[]; -- of transactions of which nothing is computed, taken back or divided by hand yet
    v_known uuid[];
    v_changed uuid[] := ARRAY[]::uuid[];
    v_booked uuid[] := ARRAY[]::uuid[];
    v_failed uuid[];
    v_rules text;
    v_now timestamptz;
BEGIN
    IF p_wait THEN
        LOOP -- until nothing has come while it waited
            PERFORM attribution.lock_conversions(p_tenant, v_events);
            v_latest := attribution.transaction_events(p_tenant, p_event_ids);
            EXIT WHEN v_latest = v_events;
            v_events := v_latest;
        END LOOP;
    ELSIF cardinality(v_events) > cardinality(p_event_ids) THEN -- there was something before
        IF current_setting('transaction_isolation') = 'read committed' THEN
            v_locked := ARRAY(
                SELECT l.event_id
                FROM unnest(v_events) AS k (id)
                CROSS JOIN LATERAL (
                    SELECT p.event_id
                    FROM attribution.event_processing AS p
                    WHERE p.tenant_id = p_tenant AND p.event_id = k.id
                    FOR UPDATE SKIP LOCKED
                ) AS l
            );
        END IF;
        v_events := attribution.transaction_events(p_tenant, p_event_ids, v_locked);
    END IF;

    SELECT coalesce(array_agg(w.id) FILTER (WHERE w.is_new), '{}'), coalesce(array_agg(w.id) FILTER (WHERE NOT w.is_new), '{}')
    INTO v_new, v_known
    FROM (
        SELECT e.id, NOT bool_or(e.is_known) OVER (PARTITION BY e.transaction_id) AS is_new
        FROM unnest(v_events) AS k (id)
        CROSS JOIN LATERAL (
            SELECT
                x.id, coalesce(x.transaction_id, x.id::text) AS transaction_id,
                x.event_kind <> 'conversion'
                OR EXISTS (
                    SELECT FROM attribution.attribution_allocations AS a WHERE a.tenant_id = p_tenant AND a.event_id = x.id
                )
                OR EXISTS (
                    SELECT
                    FROM attribution.allocation_overrides AS o
                    WHERE o.tenant_id = p_tenant AND o.transaction_id = coalesce(x.transaction_id, x.id::text)
                ) AS is_known
            FROM attribution.attribution_events AS x
            WHERE x.tenant_id = p_tenant AND x.id = k.id
            OFFSET 0
        ) AS e
    ) AS w;

    IF v_new <> '{}' THEN
        SELECT b.credited, b.booked INTO v_changed, v_booked FROM attribution.book_conversions(p_tenant, v_new) AS b;
    END IF;
    IF v_known <> '{}' THEN
        v_changed := v_changed || attribution.store_allocations(p_tenant, v_known);
        PERFORM attribution.post_allocations(p_tenant, v_known);
        PERFORM attribution.settle_refunds(p_tenant, v_known);
        v_booked := v_booked || ARRAY(
            SELECT k.event_id
            FROM unnest(v_known) AS k (event_id)
            CROSS JOIN LATERAL (
                SELECT
                FROM attribution.attribution_allocations AS a
                WHERE a.tenant_id = p_tenant AND a.event_id = k.event_id AND a.superseded_at IS NULL AND a.is_book
                LIMIT 1
            ) AS b
        );
    END IF;

    IF EXISTS (
        SELECT
        FROM attribution.attribution_rules AS r
        WHERE r.tenant_id = p_tenant AND r.status = 'active' AND r.model_type = 'custom'
    ) THEN
        SELECT array_agg(DISTINCT j.event_id), string_agg(DISTINCT r.name, ', ') INTO v_failed, v_rules
        FROM attribution.journeys(p_tenant, v_events) AS j
        JOIN attribution.attribution_rules AS r ON r.tenant_id = p_tenant AND r.id = j.rule_id
        WHERE j.model_type = 'custom' AND NOT EXISTS (
            SELECT
            FROM attribution.attribution_allocations AS a
            WHERE a.tenant_id = p_tenant AND a.event_id = j.event_id AND a.rule_id = j.rule_id AND a.superseded_at IS NULL
        );
    END IF;
    IF v_failed IS NOT NULL THEN
        PERFORM attribution.record_failure(
            p_tenant, v_failed, 'RA003', 'a rule gives no shares: ' || v_rules,
            'Its weight function may not serve, failed, or returned null, NaN, infinity or a negative number.',
            'Try it with preview_allocation(). The other rules are not affected; the conversion is retried.'
        );
    END IF;

    v_now := clock_timestamp();
    UPDATE attribution.event_processing AS p
    SET processing_status = 'processed', processed_at = v_now, retry_count = 0, next_retry_at = NULL, last_error = NULL
    FROM unnest(v_booked) AS k (event_id)
    CROSS JOIN LATERAL ( -- a probe of the key for each, whatever the planner believes of the table; the rows are locked
        SELECT i.ctid
        FROM attribution.event_processing AS i
        WHERE i.tenant_id = p_tenant AND i.event_id = k.event_id AND i.processing_status IS DISTINCT FROM 'processed'
        OFFSET 0
    ) AS r
    WHERE p.ctid = r.ctid AND k.event_id <> ALL (coalesce(v_failed, '{}'));

    IF cardinality(v_booked) < cardinality(v_events) THEN
        PERFORM attribution.record_failure(
            p_tenant, array_agg(e.id), 'RA003', 'no book rule applies to the conversion',
            'Its revenue cannot be posted, since no active rule with is_book lets it pass.',
            'Activate a book rule that applies to every conversion; the conversion is retried.'
        )
        FROM unnest(v_events) AS k (id)
        CROSS JOIN LATERAL (
            SELECT x.id, x.event_kind
            FROM attribution.attribution_events AS x
            WHERE x.tenant_id = p_tenant AND x.id = k.id
            OFFSET 0
        ) AS e
        WHERE e.event_kind = 'conversion' AND e.id <> ALL (v_booked || coalesce(v_failed, '{}'))
        HAVING count(*) > 0;
    END IF;

    RETURN cardinality(v_changed);
END
$$;

ALTER FUNCTION attribution.attribute_conversions(uuid, uuid[], boolean) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.attribute_conversions(uuid, uuid[], boolean) IS
'Attributes the conversions of the given events'' transactions and posts the result, refunds included; returns how many changed. Run again, it changes nothing.';

REVOKE ALL ON FUNCTION attribution.attribute_conversions(uuid, uuid[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.attribute_conversions(uuid, uuid[], boolean) TO attribution_engine;
