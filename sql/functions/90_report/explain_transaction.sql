-- explain_transaction(p_tenant, p_transaction_id): the whole story of one sale.
--
-- p_tenant          the tenant in context
-- p_transaction_id  the sale; or a conversion's id, where the sender named none
-- Returns  JSON: transaction_id, balances by currency, the moves of its state, the divisions by hand, and its events
--          (conversions, refunds, chargebacks, disputes) in order, each with its processing, its shares under every rule (why
--          each touch got what it got), and the ledger lines with their batches
-- Errors   RA004 no such transaction
-- Reads    events, processing, allocations, overrides, rules, ledger, transitions, with the caller's rights

CREATE OR REPLACE FUNCTION attribution.explain_transaction(p_tenant uuid, p_transaction_id text)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    v_events jsonb;
    v_balances jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_object(
        'event_id', e.id, 'event_type', e.event_type, 'occurred_at', e.occurred_at, 'session_id', e.session_id,
        'value_cents', e.conversion_value_cents, 'currency', e.currency,
        'processing', (
            SELECT jsonb_build_object('status', p.processing_status, 'processed_at', p.processed_at, 'last_error', p.last_error)
            FROM attribution.event_processing AS p
            WHERE p.tenant_id = p_tenant AND p.event_id = e.id
        ),
        'rules', (
            SELECT coalesce(jsonb_agg(s.rule ORDER BY s.is_book DESC, s.name), '[]')
            FROM (
                SELECT r.name, bool_or(a.is_book) AS is_book, jsonb_build_object(
                    'rule', r.name, 'version', r.version, 'model_type', r.model_type, 'is_book', bool_or(a.is_book),
                    'allocated_cents', sum(a.allocated_revenue_cents),
                    'shares', jsonb_agg(jsonb_build_object(
                        'position', a."position", 'touch_id', a.touch_id, 'event_type', t.event_type,
                        'occurred_at', t.occurred_at, 'channel_code', a.channel_code, 'campaign_id', a.campaign_id,
                        'partner_id', a.partner_id, 'allocation_ratio', a.allocation_ratio,
                        'allocated_revenue_cents', a.allocated_revenue_cents, 'reason', a.reason
                    ) ORDER BY a."position" = 0, a."position")
                ) AS rule
                FROM attribution.attribution_allocations AS a
                JOIN attribution.attribution_rules AS r ON r.tenant_id = p_tenant AND r.id = a.rule_id
                LEFT JOIN attribution.attribution_events AS t ON t.tenant_id = p_tenant AND t.id = a.touch_id
                WHERE a.tenant_id = p_tenant AND a.event_id = e.id AND a.superseded_at IS NULL
                GROUP BY r.id, r.name, r.version, r.model_type
            ) AS s
        ),
        'batches', (
            SELECT coalesce(jsonb_agg(b.batch ORDER BY b.posted_at, b.id), '[]')
            FROM (
                SELECT h.id, h.posted_at, jsonb_build_object(
                    'batch_id', h.id, 'kind', h.kind, 'posted_at', h.posted_at, 'posted_by', h.posted_by, 'reason', h.reason,
                    'lines', jsonb_agg(jsonb_build_object(
                        'entry_type', l.entry_type, 'channel_code', l.channel_code, 'campaign_id', l.campaign_id,
                        'amount_cents', l.amount_cents, 'currency', l.currency, 'amount_usd_cents', l.amount_usd_cents,
                        'fx_rate_used', l.fx_rate_used::text, 'account', l.account, 'state', l.state,
                        'previous_state', l.previous_state, 'reverses_id', l.reverses_id, 'override_by', l.override_by,
                        'audit_trail', l.audit_trail
                    ) ORDER BY l.id)
                ) AS batch
                FROM attribution.revenue_ledger AS l
                JOIN attribution.ledger_batches AS h ON h.tenant_id = p_tenant AND h.id = l.batch_id
                WHERE l.tenant_id = p_tenant AND l.event_id = e.id
                GROUP BY h.id, h.posted_at, h.kind, h.posted_by, h.reason
            ) AS b
        )
    ) ORDER BY e.occurred_at, e.id) INTO v_events
    FROM attribution.attribution_events AS e
    WHERE e.tenant_id = p_tenant AND e.event_kind IN ('conversion', 'refund', 'dispute')
        AND (e.transaction_id = p_transaction_id OR (e.transaction_id IS NULL AND e.id::text = p_transaction_id));
    IF v_events IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA004',
            MESSAGE = format('no transaction %L', p_transaction_id),
            DETAIL = 'No conversion, refund or dispute of the tenant in context names it.',
            HINT = 'Check the id, and the tenant in context: SELECT attribution.set_tenant(''…'').';
    END IF;
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'currency', x.currency, 'state', x.state, 'captured_cents', x.captured_cents, 'refunded_cents', x.refunded_cents,
        'net_cents', x.net_cents, 'net_usd_cents', x.net_usd_cents
    ) ORDER BY x.currency), '[]') INTO v_balances
    FROM attribution.revenue_transactions AS x
    WHERE x.tenant_id = p_tenant AND x.transaction_id = p_transaction_id;
    RETURN jsonb_build_object(
        'transaction_id', p_transaction_id,
        'balances', v_balances,
        'transitions', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'currency', t.currency, 'sequence', t.sequence, 'from_state', t.from_state, 'to_state', t.to_state,
                'restates', t.restates, 'reason', t.reason, 'event_id', t.event_id, 'transitioned_at', t.transitioned_at
            ) ORDER BY t.currency, t.sequence), '[]')
            FROM attribution.revenue_state_transitions AS t
            WHERE t.tenant_id = p_tenant AND t.transaction_id = p_transaction_id
        ),
        'overrides', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'override_id', o.id, 'sequence', o.sequence, 'shares', o.shares, 'by', o.override_by, 'reason', o.reason,
                'at', o.created_at, 'login', o.created_by
            ) ORDER BY o.sequence), '[]')
            FROM attribution.allocation_overrides AS o
            WHERE o.tenant_id = p_tenant AND o.transaction_id = p_transaction_id
        ),
        'events', v_events
    );
END
$$;

ALTER FUNCTION attribution.explain_transaction(uuid, text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.explain_transaction(uuid, text) IS
'The whole story of one sale as JSON: journey, every rules shares and why, batches and lines, states, divisions by hand, balances. Errors: RA004 no such transaction.';

REVOKE ALL ON FUNCTION attribution.explain_transaction(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.explain_transaction(uuid, text) TO attribution_app, attribution_reader, attribution_admin;
