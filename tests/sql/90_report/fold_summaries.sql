-- fold_summaries(), rebuild_summaries() and what they are made of: what is noted, folded, and made anew.
BEGIN;
SELECT plan(38);
\ir ../month.psql

-- A late partner, so that something is superseded.
INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, channel, partner_id)
VALUES ('partner_touch', lpad('1', 32, '0')::uuid, '2024-03-01 11:30+00', 'p1', 'partner', 'ann');

CREATE FUNCTION pg_temp.kept() RETURNS TABLE (name text, rows bigint) LANGUAGE sql AS $$
    SELECT 'channel_days', count(*) FROM attribution.channel_days
    UNION ALL SELECT 'conversion_paths', count(*) FROM attribution.conversion_paths
    UNION ALL SELECT 'ledger_days', count(*) FROM attribution.ledger_days
    UNION ALL SELECT 'partner_totals', count(*) FROM attribution.partner_totals
    UNION ALL SELECT 'summary_states', count(*) FROM attribution.summary_states
    UNION ALL SELECT 'unfolded_changes', count(*) FROM attribution.unfolded_changes
$$;

SELECT is(
    (SELECT sum(rows) FROM pg_temp.kept() WHERE name <> 'unfolded_changes'), 0::numeric, 'nothing is folded unless somebody folds'
);
SELECT is(
    (SELECT array_agg(id ORDER BY id) FROM (SELECT unnest(allocation_ids) AS id FROM attribution.unfolded_changes) AS u),
    (SELECT array_agg(id ORDER BY id) FROM attribution.attribution_allocations),
    'writers note the allocations that they insert'
);
SELECT is(
    (SELECT array_agg(id ORDER BY id) FROM (SELECT unnest(batch_ids) AS id FROM attribution.unfolded_changes) AS u),
    (SELECT array_agg(id ORDER BY id) FROM attribution.ledger_batches),
    'and the batches that they post'
);
SELECT is_empty('SELECT unnest(event_ids) FROM attribution.unfolded_changes', 'events are in the queue');
SELECT attribution.process_batch(:'shop') \g /dev/null
SELECT is(
    (SELECT array_agg(id ORDER BY id) FROM (SELECT unnest(event_ids) AS id FROM attribution.unfolded_changes) AS u),
    (SELECT array_agg(id ORDER BY id) FROM attribution.attribution_events),
    'and are noted when they leave it'
);
SELECT is(
    (SELECT array_agg(id ORDER BY id) FROM (SELECT unnest(superseded_ids) AS id FROM attribution.unfolded_changes) AS u),
    (SELECT array_agg(id ORDER BY id) FROM attribution.attribution_allocations WHERE superseded_at IS NOT NULL),
    'as is what late facts superseded'
);

-- The parts that the tail is read with.
SELECT is(
    attribution.book_rule_ids(:'shop'), ARRAY[(SELECT id FROM attribution.attribution_rules WHERE is_book)], 'book_rule_ids(): the book'
);
SELECT results_eq(
    format('SELECT sum(sign), sum(sign * allocated_revenue_cents) FROM attribution.unfolded_allocations(%L, false)', :'shop'),
    'SELECT count(*), sum(allocated_revenue_cents) FROM attribution.attribution_allocations WHERE superseded_at IS NULL',
    'unfolded_allocations(): what came, less what was superseded'
);
SELECT set_eq(
    format('SELECT event_id, rule_id, allocation_ratio FROM attribution.unfolded_allocations(%L, true)', :'shop'),
    'SELECT event_id, rule_id, allocation_ratio FROM attribution.attribution_allocations WHERE superseded_at IS NULL',
    'with p_all, the current ones'
);
SELECT set_eq(
    format('SELECT id FROM attribution.unfolded_lines(%L, false)', :'shop'), 'SELECT id FROM attribution.revenue_ledger',
    'unfolded_lines(): the lines of the batches noted'
);
SELECT set_eq(
    format('SELECT id FROM attribution.unfolded_lines(%L, true)', :'shop'), 'SELECT id FROM attribution.revenue_ledger', 'with p_all, all'
);
SELECT results_eq(
    format('SELECT * FROM attribution.unfolded_channel_days(%L, ''America/New_York'', false) WHERE allocations <> 0 ORDER BY 1, 2, 4, 5', :'shop'),
    format('SELECT * FROM attribution.unfolded_channel_days(%L, ''America/New_York'', true) ORDER BY 1, 2, 4, 5', :'shop'),
    'unfolded_channel_days(): while all is noted, the notes say what the facts say'
);
SELECT results_eq(
    format('SELECT * FROM attribution.unfolded_ledger_days(%L, ''America/New_York'', false) ORDER BY 1, 2', :'shop'),
    $$VALUES
    ('2024-03-01'::date, 'USD', 2::bigint, 2::bigint, 1501::numeric, 0::numeric),
    ('2024-03-02', 'EUR', 1, 1, 300, 0),
    ('2024-03-02', 'USD', 1, 1, 99, 0)$$,
    'unfolded_ledger_days(): a restated sale counts once'
);
SELECT results_eq(
    format('SELECT * FROM attribution.unfolded_partner_totals(%L, false)', :'shop'),
    $$VALUES ('ann', 'USD', 2::bigint, 0.8::numeric, 439::numeric, 0::numeric, 439::numeric)$$,
    'unfolded_partner_totals(): shares of two sales'
);
SELECT is(
    (SELECT array_agg(u.id ORDER BY u.id) FROM unnest(attribution.unfolded_conversions(:'shop')) AS u (id)),
    (SELECT array_agg(e.id ORDER BY e.id) FROM attribution.attribution_events AS e WHERE e.event_kind = 'conversion'),
    'unfolded_conversions(): all, since no rules are known to be those of conversion_paths'
);
SELECT results_eq(
    format('SELECT path, currency, value_cents, touches, days FROM attribution.paths_of(%L, ARRAY[%L, %L]::uuid[]) ORDER BY path',
        :'shop', pg_temp.id('A'), pg_temp.id('C')),
    $$VALUES ('email > direct > partner', 'USD', 1000::bigint, 3, 2 / 24::float8), ('unattributed', 'EUR', 300, 0, NULL)$$,
    'paths_of(): channels in order, touches, days'
);
CREATE TEMP TABLE before AS
SELECT 'performance' AS view, to_jsonb(v) AS row FROM attribution.channel_performance AS v
UNION ALL SELECT 'models', to_jsonb(v) FROM attribution.model_comparison AS v
UNION ALL SELECT 'days', to_jsonb(v) FROM attribution.daily_revenue_summary AS v
UNION ALL SELECT 'paths', to_jsonb(v) FROM attribution.journey_paths AS v
UNION ALL SELECT 'partners', to_jsonb(v) FROM attribution.partner_leaderboard AS v;
PREPARE now AS
SELECT 'performance' AS view, to_jsonb(v) AS row FROM attribution.channel_performance AS v
UNION ALL SELECT 'models', to_jsonb(v) FROM attribution.model_comparison AS v
UNION ALL SELECT 'days', to_jsonb(v) FROM attribution.daily_revenue_summary AS v
UNION ALL SELECT 'paths', to_jsonb(v) FROM attribution.journey_paths AS v
UNION ALL SELECT 'partners', to_jsonb(v) FROM attribution.partner_leaderboard AS v;

-- Folding.
SELECT is(attribution.fold_summaries(:'shop'), 1::bigint, 'a tenant is folded');
SELECT is_empty('SELECT FROM attribution.unfolded_changes', 'what was noted is taken');
SELECT bag_eq('now', 'SELECT * FROM before', 'and no view says anything else');
SELECT is(attribution.fold_tenant(:'shop'), false, 'fold_tenant(): nothing is left to fold');
SELECT is(attribution.fold_summaries(), 0::bigint, 'for any tenant');
SELECT is(attribution.unfolded_conversions(:'shop'), '{}', 'every journey is kept');
SELECT is_empty(format('SELECT * FROM attribution.unfolded_ledger_days(%L, ''UTC'', false)', :'shop'), 'nothing is to be added');
SELECT is_empty(format('SELECT * FROM attribution.summary_breaches(%L)', :'shop'), 'summary_breaches(): none');
SELECT is((SELECT count(*) FROM attribution.current_paths(:'shop')), 5::bigint, 'current_paths(): those that are kept');

-- A refund on a folded day: a transaction is not counted twice.
INSERT INTO attribution.attribution_events (
    event_type, session_id, occurred_at, idempotency_key, conversion_value_cents, currency, transaction_id
)
VALUES ('refund', gen_random_uuid(), '2024-03-01 18:00+00', 'r', 100, 'USD', 'A');
SELECT results_eq(
    format('SELECT * FROM attribution.unfolded_ledger_days(%L, ''America/New_York'', false)', :'shop'),
    $$VALUES ('2024-03-01'::date, 'USD', 0::bigint, 0::bigint, 0::numeric, 100::numeric)$$,
    'a refund adds itself, and no sale'
);
SELECT is(
    (SELECT (transactions, conversions, gross_cents, refunded_cents, net_cents)::text
        FROM attribution.daily_revenue_summary WHERE day = '2024-03-01'),
    '(2,2,1501,100,1401)', 'to what is folded'
);

-- A touch that is queued: its session's journeys are computed when they are read.
SELECT pg_temp.touch('late', '2024-03-02 04:30+00', 'organic', 2) \g /dev/null
SELECT is(
    (SELECT array_agg(u.id ORDER BY u.id) FROM unnest(attribution.unfolded_conversions(:'shop')) AS u (id)),
    (SELECT array_agg(i.id ORDER BY i.id) FROM (VALUES (pg_temp.id('B')), (pg_temp.id('E'))) AS i (id)),
    'the conversions of its session'
);
SELECT is(attribution.unfolded_conversions(:'shop', false), '{}', 'which is no work for the folder while the queue holds it');
SELECT results_eq(
    $$SELECT path, conversions FROM attribution.journey_paths WHERE path LIKE '%organic%'$$,
    $$VALUES ('sms > organic', 2::bigint)$$, 'the view knows it'
);

-- Another zone, other rules.
CALL attribution.run_pending();
SELECT is_empty('SELECT FROM attribution.unfolded_changes', 'run_pending() folds');
UPDATE attribution.tenants SET time_zone = 'UTC' WHERE id = :'shop';
SELECT is(
    (SELECT string_agg(format('%s %s', day, gross_cents), ', ' ORDER BY day) FROM attribution.daily_revenue_summary WHERE currency = 'USD'),
    '2024-03-01 1000, 2024-03-02 600', 'a change of the time zone counts at once'
);
SELECT is(attribution.fold_summaries(), 1::bigint, 'and makes a tenant to fold');
SELECT results_eq(
    $$SELECT day, gross_cents FROM attribution.ledger_days WHERE currency = 'USD' ORDER BY day$$,
    $$VALUES ('2024-03-01'::date, 1000::numeric), ('2024-03-02', 600)$$, 'in its new days'
);
SELECT attribution.set_rule_status(:'shop', 'position_based_30d', NULL, 'retired') \g /dev/null
SELECT is_empty('SELECT * FROM attribution.journey_paths', 'without a book there are no journeys');
SELECT attribution.fold_summaries() \g /dev/null
SELECT is_empty('SELECT FROM attribution.conversion_paths', 'kept ones neither');

-- Tampering, and the way back.
UPDATE attribution.ledger_days SET gross_cents = 0 WHERE currency = 'EUR';
SELECT results_eq(
    format('SELECT check_name, object FROM attribution.summary_breaches(%L)', :'shop'),
    $$VALUES ('summary_drift', 'ledger_days (2024-03-02,EUR)')$$, 'a tampered summary is found'
);
SELECT attribution.rebuild_summaries(:'shop') \g /dev/null
SELECT is_empty(format('SELECT * FROM attribution.summary_breaches(%L)', :'shop'), 'rebuild_summaries() makes it anew');

SELECT * FROM finish();
ROLLBACK;
