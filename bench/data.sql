-- Made-up histories, the same for the same seed: schema `bench`.
--
-- They are written as finished facts, past the triggers, since making data is not what is measured.

CREATE SCHEMA bench;

-- A number from 0 to p_below - 1 that looks like chance.
CREATE FUNCTION bench.dice(p_below int, VARIADIC p_seed bigint[])
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN abs(hashtextextended(array_to_string(p_seed, ','), 0) % p_below)::int;

CREATE FUNCTION bench.session(p_seed bigint, p_number bigint)
RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN md5('session ' || p_seed || ' ' || p_number)::uuid;

-- When session p_number buys, if it does: within 90 days.
CREATE FUNCTION bench.sold_at(p_seed bigint, p_number bigint)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN timestamptz '2026-01-01 00:00:00+00' + bench.dice(7776000, p_seed, p_number, 0) * interval '1 second';

-- Channels as apps send them; two of twelve are labels that the engine has to look up.
CREATE FUNCTION bench.label(p_number bigint)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (ARRAY['facebook_paid', 'Facebook Ads', 'google_search_paid', 'Google Ads', 'organic', 'email', 'direct', 'tiktok_paid',
    'google_display_paid', 'referral', 'affiliate', 'facebook_brand'])[1 + p_number % 12];

CREATE FUNCTION bench.code(p_number bigint)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (ARRAY['facebook_paid', 'facebook_paid', 'google_search_paid', 'google_search_paid', 'organic', 'email', 'direct',
    'tiktok_paid', 'google_display_paid', 'referral', 'affiliate', 'facebook_brand'])[1 + p_number % 12];

-- The journeys of p_count sessions: p_touches touches each (0: six or seven in turn) in the three weeks before a sale of
-- type p_sale (null: none), opportunities with their milestones. Sales lie within 90 days. Rows come in the order of time, so
-- that a journey is scattered over its table as in life, and ids rise with it.
CREATE FUNCTION bench.facts(p_seed int, p_count int, p_touches int, p_sale text, p_partners boolean)
RETURNS TABLE (
    id uuid, event_type text, event_kind text, session_id uuid, occurred_at timestamptz, idempotency_key text, channel text,
    campaign_id text, partner_id text, conversion_value_cents bigint, currency text, transaction_id text, raw_payload jsonb
)
LANGUAGE sql STABLE
AS $$
    WITH sales AS (
        SELECT
            c, bench.session(p_seed, c) AS session_id, CASE p_touches WHEN 0 THEN 6 + c % 2 ELSE p_touches END AS touches,
            bench.sold_at(p_seed, c) AS sold_at
        FROM generate_series(1, p_count) AS c
    ),
    events AS (
        SELECT
            s.session_id, s.sold_at - (s.touches - i + 1) * interval '3 days' / s.touches * 6.5
            + bench.dice(86400, p_seed, s.c, i) * interval '1 second' AS at,
            CASE WHEN p_partners THEN 'partner_touch' ELSE 'click' END AS event_type, 'touch' AS kind,
            CASE WHEN p_partners THEN 'partner' ELSE bench.code(bench.dice(12, p_seed, s.c, i, 1)) END AS code,
            CASE bench.dice(2, p_seed, s.c, i, 2) WHEN 0 THEN 'campaign-' || bench.dice(10, p_seed, s.c, i, 3) END AS campaign,
            CASE WHEN p_partners THEN 'partner-' || bench.dice(200, p_seed, s.c, i, 4) END AS partner,
            NULL::bigint AS cents
        FROM sales AS s
        CROSS JOIN LATERAL generate_series(1, s.touches) AS i
        UNION ALL
        SELECT s.session_id, s.sold_at - m.ago, m.event_type, 'milestone', NULL, NULL, NULL, NULL
        FROM sales AS s
        CROSS JOIN (
            VALUES ('lead_created', interval '15 days'), ('opportunity_created', interval '8 days')
        ) AS m (event_type, ago)
        WHERE p_sale = 'opportunity_won'
        UNION ALL
        SELECT s.session_id, s.sold_at, p_sale, 'conversion', NULL, NULL, NULL, 1000 + bench.dice(100000, p_seed, s.c, 5)
        FROM sales AS s
        WHERE p_sale IS NOT NULL
    ),
    numbered AS (SELECT e.*, row_number() OVER (ORDER BY e.at, e.session_id) AS n FROM events AS e)
    SELECT
        (lpad(to_hex(n.n), 12, '0') || '70008000' || lpad(to_hex(p_seed), 12, '0'))::uuid, n.event_type, n.kind,
        n.session_id, n.at, format('key-%s-%s', p_seed, n.n), n.code, n.campaign, n.partner, n.cents,
        CASE WHEN n.cents IS NOT NULL THEN 'USD' END,
        CASE WHEN n.cents IS NOT NULL THEN format('sale-%s-%s', p_seed, n.n) END,
        CASE WHEN n.kind = 'touch' THEN jsonb_build_object('page', '/p/' || n.n % 200, 'device', 'phone') END
    FROM numbered AS n
    ORDER BY n.n
$$;

-- Put the triggers of ingest to sleep, or wake them: histories are facts already.
CREATE FUNCTION bench.ingest_triggers(p_enabled boolean)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    v_trigger name;
BEGIN
    FOR v_trigger IN
        SELECT t.tgname FROM pg_trigger AS t
        WHERE t.tgrelid = 'attribution.attribution_events'::regclass AND NOT t.tgisinternal AND t.tgtype & 4 <> 0 -- INSERT
    LOOP
        EXECUTE format('ALTER TABLE attribution.attribution_events %s TRIGGER %I',
            CASE WHEN p_enabled THEN 'ENABLE ALWAYS' ELSE 'DISABLE' END, v_trigger);
    END LOOP;
    PERFORM set_config('session_replication_role', CASE WHEN p_enabled THEN 'origin' ELSE 'replica' END, true);
END
$$;

-- Load a history into a tenant, as INSERTs of 1,000 rows each would have left it: kept, not yet attributed, queued.
CREATE FUNCTION bench.load(
    p_tenant uuid, p_seed int, p_count int, p_touches int DEFAULT 0, p_sale text DEFAULT 'purchase', p_partners boolean DEFAULT false
)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    v_events bigint;
BEGIN
    PERFORM bench.ingest_triggers(false);
    INSERT INTO attribution.attribution_events (
        tenant_id, id, event_type, event_kind, session_id, occurred_at, received_at, idempotency_key, channel, channel_code,
        campaign_id, partner_id, conversion_value_cents, currency, transaction_id, raw_payload
    )
    SELECT
        p_tenant, f.id, f.event_type, f.event_kind, f.session_id, f.occurred_at, f.occurred_at, f.idempotency_key, f.channel,
        f.channel, f.campaign_id, f.partner_id, f.conversion_value_cents, f.currency, f.transaction_id, f.raw_payload
    FROM bench.facts(p_seed, p_count, p_touches, p_sale, p_partners) AS f;
    GET DIAGNOSTICS v_events = ROW_COUNT;
    INSERT INTO attribution.event_keys (tenant_id, idempotency_key, event_id)
    SELECT e.tenant_id, e.idempotency_key, e.id FROM attribution.attribution_events AS e
    WHERE e.tenant_id = p_tenant AND e.idempotency_key LIKE format('key-%s-%%', p_seed);
    INSERT INTO attribution.event_processing (tenant_id, event_id)
    SELECT e.tenant_id, e.id FROM attribution.attribution_events AS e
    WHERE e.tenant_id = p_tenant AND e.event_kind = 'conversion' AND e.idempotency_key LIKE format('key-%s-%%', p_seed);
    INSERT INTO attribution.work_queue (tenant_id, event_ids)
    SELECT p_tenant, array_agg(e.id ORDER BY e.id)
    FROM (
        SELECT i.id, (row_number() OVER (ORDER BY i.id) - 1) / 1000 AS statement
        FROM attribution.attribution_events AS i
        WHERE i.tenant_id = p_tenant AND i.idempotency_key LIKE format('key-%s-%%', p_seed)
    ) AS e
    GROUP BY e.statement
    ORDER BY e.statement;
    PERFORM bench.ingest_triggers(true);
    RETURN v_events;
END
$$;

CREATE FUNCTION bench.nth(p_id uuid, p_copy int)
RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (left(p_id::text, 24) || left(md5(p_id::text || p_copy), 12))::uuid;

-- Multiply a tenant's attributed history: p_copies more of its events, allocations and ledger lines, under other ids.
CREATE FUNCTION bench.multiply(p_tenant uuid, p_copies int)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    v_copies constant int[] := ARRAY(SELECT generate_series(1, p_copies));
BEGIN
    PERFORM bench.ingest_triggers(false);
    INSERT INTO attribution.attribution_events
    SELECT r.*
    FROM unnest(v_copies) AS k (n), attribution.attribution_events AS e
    CROSS JOIN LATERAL jsonb_populate_record(e, jsonb_build_object(
        'id', bench.nth(e.id, k.n), 'session_id', bench.nth(e.session_id, k.n),
        'idempotency_key', e.idempotency_key || '-' || k.n, 'transaction_id', e.transaction_id || '-' || k.n
    )) AS r
    WHERE e.tenant_id = p_tenant;
    INSERT INTO attribution.event_keys (tenant_id, idempotency_key, event_id)
    SELECT y.tenant_id, y.idempotency_key || '-' || k.n, bench.nth(y.event_id, k.n)
    FROM unnest(v_copies) AS k (n), attribution.event_keys AS y
    WHERE y.tenant_id = p_tenant;
    INSERT INTO attribution.event_processing (tenant_id, event_id, processing_status, processed_at)
    SELECT p.tenant_id, bench.nth(p.event_id, k.n), p.processing_status, p.processed_at
    FROM unnest(v_copies) AS k (n), attribution.event_processing AS p
    WHERE p.tenant_id = p_tenant;
    INSERT INTO attribution.attribution_allocations
    SELECT r.*
    FROM unnest(v_copies) AS k (n), attribution.attribution_allocations AS a
    CROSS JOIN LATERAL jsonb_populate_record(a, jsonb_build_object(
        'id', bench.nth(a.id, k.n), 'event_id', bench.nth(a.event_id, k.n), 'touch_id', bench.nth(a.touch_id, k.n)
    )) AS r
    WHERE a.tenant_id = p_tenant;
    INSERT INTO attribution.revenue_ledger
    SELECT r.*
    FROM unnest(v_copies) AS k (n), attribution.revenue_ledger AS l
    CROSS JOIN LATERAL jsonb_populate_record(l, jsonb_build_object(
        'id', bench.nth(l.id, k.n), 'event_id', bench.nth(l.event_id, k.n), 'allocation_id', bench.nth(l.allocation_id, k.n),
        'transaction_id', l.transaction_id || '-' || k.n
    )) AS r
    WHERE l.tenant_id = p_tenant;
    PERFORM bench.ingest_triggers(true);
END
$$;

GRANT USAGE ON SCHEMA bench TO bench_app;
