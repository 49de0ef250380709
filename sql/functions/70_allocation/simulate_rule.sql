-- simulate_rule(p_tenant, p_rule, p_from, p_to): how channel totals would move if a rule were the book.
--
-- p_rule        as for validate_rule(); applies_to counts: conversions it does not apply to keep their credit
-- p_from, p_to  conversions with p_from <= occurred_at < p_to
-- Returns       by channel and currency: what the book gives now, and what it would give, minor units
-- Errors        RA003 the rule is not valid. Stores nothing.
-- Reads         attribution_events, attribution_allocations, with the caller's rights

CREATE OR REPLACE FUNCTION attribution.simulate_rule(
    p_tenant uuid,
    p_rule jsonb,
    p_from timestamptz,
    p_to timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (channel_code text, currency text, current_cents numeric, simulated_cents numeric)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    v_conversions uuid[];
BEGIN
    PERFORM attribution.assert_rule(p_rule);
    v_conversions := ARRAY(
        SELECT e.id
        FROM attribution.attribution_events AS e
        WHERE e.tenant_id = p_tenant AND e.event_kind = 'conversion' AND e.occurred_at >= p_from AND e.occurred_at < p_to
    );
    RETURN QUERY
    WITH simulated AS (
        SELECT s.event_id, s.channel_code, s.currency, s.allocated_revenue_cents
        FROM attribution.compute_allocations(p_tenant, v_conversions, jsonb_build_object(
            'model', p_rule ->> 'model_type', 'config', coalesce(p_rule -> 'config', '{}'),
            'applies_to', coalesce(p_rule -> 'applies_to', '{}'),
            'constraint_mode', coalesce(p_rule ->> 'constraint_mode', 'must_sum_to_100')
        )) AS s
    ),
    booked AS (
        SELECT a.event_id, a.channel_code, a.currency, a.allocated_revenue_cents
        FROM attribution.attribution_allocations AS a
        WHERE a.tenant_id = p_tenant AND a.event_id = ANY (v_conversions) AND a.is_book AND a.superseded_at IS NULL
    )
    SELECT m.channel_code, m.currency, sum(m.now), sum(m.then)
    FROM (
        SELECT b.channel_code, b.currency, b.allocated_revenue_cents AS now, CASE
            WHEN b.event_id IN (SELECT s.event_id FROM simulated AS s) THEN 0 ELSE b.allocated_revenue_cents
        END AS then
        FROM booked AS b
        UNION ALL
        SELECT s.channel_code, s.currency, 0, s.allocated_revenue_cents
        FROM simulated AS s
    ) AS m
    GROUP BY m.channel_code, m.currency
    ORDER BY m.currency, m.channel_code;
END
$$;

ALTER FUNCTION attribution.simulate_rule(uuid, jsonb, timestamptz, timestamptz) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.simulate_rule(uuid, jsonb, timestamptz, timestamptz) IS
'How channel totals of a period would move if a rule were the book; stores nothing. Errors: RA003 invalid rule.';

REVOKE ALL ON FUNCTION attribution.simulate_rule(uuid, jsonb, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.simulate_rule(uuid, jsonb, timestamptz, timestamptz) TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
