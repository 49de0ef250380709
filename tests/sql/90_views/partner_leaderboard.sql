-- partner_leaderboard: what each partner brought, refunds taken off, in order.
BEGIN;
SELECT plan(6);
\ir ../shop.psql

CREATE FUNCTION pg_temp.partner(p_key text, p_at text, p_partner text, p_session int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, channel, partner_id)
    VALUES ('partner_touch', lpad(p_session::text, 32, '0')::uuid, pg_temp.at(p_at), p_key, 'partner', p_partner)
$$;

SELECT is_empty('SELECT * FROM attribution.partner_leaderboard', 'no partners, no rows');
SELECT pg_temp.partner('a1', '09:00', 'ann', 1), pg_temp.partner('b1', '10:00', 'bob', 1), pg_temp.partner('a2', '10:30', 'ann', 1),
    pg_temp.partner('c1', '09:00', 'cid', 2), pg_temp.touch('t', '10:00', 'email', 2), pg_temp.partner('d1', '09:00', 'dan', 3) \g /dev/null
SELECT pg_temp.sale('one', '12:00', 1000, 'USD', 1), pg_temp.sale('two', '12:00', 1600, 'USD', 2), pg_temp.sale('none', '12:00', 0, 'USD', 3),
    pg_temp.sale('euro', '13:00', 700, 'EUR', 3) \g /dev/null
PREPARE board AS
SELECT partner_id, currency, sales, conversions, gross_cents, refunded_cents, net_cents, net_usd_cents, rank
FROM attribution.partner_leaderboard ORDER BY currency, rank, partner_id;
SELECT results_eq('board', $$VALUES
    ('dan'::text COLLATE "C", 'EUR'::text COLLATE "C", 1::bigint, 1::numeric, 700::numeric, 0::numeric, 700::numeric, 0::numeric, 1::bigint),
    ('ann', 'USD', 1, 0.8, 800, 0, 800, 800, 1),
    ('cid', 'USD', 1, 0.5, 800, 0, 800, 800, 1),
    ('bob', 'USD', 1, 0.2, 200, 0, 200, 200, 3),
    ('dan', 'USD', 1, 1, 0, 0, 0, 0, 4)$$,
    'two touches of one sale are one sale; equals share a place; sales of nothing count; dollars as far as rates are known'
);

SELECT attribution.fold_summaries(:'shop') \g /dev/null
INSERT INTO attribution.attribution_events (
    event_type, session_id, occurred_at, idempotency_key, conversion_value_cents, currency, transaction_id
)
VALUES ('refund', gen_random_uuid(), '2024-03-01 18:00+00', 'r', 500, 'USD', 'one');
SELECT results_eq(
    $$SELECT partner_id, gross_cents, refunded_cents, net_cents, rank FROM attribution.partner_leaderboard
    WHERE currency = 'USD' ORDER BY rank$$,
    $$VALUES
    ('cid'::text COLLATE "C", 800::numeric, 0::numeric, 800::numeric, 1::bigint),
    ('ann', 800, 400, 400, 2), ('bob', 200, 100, 100, 3), ('dan', 0, 0, 0, 4)$$,
    'a refund moves its partners down'
);

SELECT attribution.fold_summaries(:'shop'), pg_temp.partner('c2', '11:00', 'cid', 2), attribution.process_batch(:'shop') \g /dev/null
SELECT results_eq(
    $$SELECT sales, conversions FROM attribution.partner_leaderboard WHERE partner_id = 'cid'$$, $$VALUES (1::bigint, 0.8::numeric)$$,
    'one more touch of a partner in a sale that is folded gives it more of the sale, and no sale more'
);

SELECT attribution.override_allocation(:'shop', 'one', '[{"channel": "partner", "percent": 100, "partner_id": "bob"}]', 'ann', 'a test') \g /dev/null
SELECT results_eq(
    $$SELECT partner_id, sales, conversions, net_cents FROM attribution.partner_leaderboard WHERE currency = 'USD' ORDER BY rank$$,
    $$VALUES ('cid'::text COLLATE "C", 1::bigint, 0.8::numeric, 1280::numeric), ('bob', 1, 1, 500), ('dan', 1, 1, 0)$$,
    'who has no share any more is not on the board'
);
CREATE TEMP TABLE unfolded AS SELECT * FROM attribution.partner_leaderboard;
SELECT attribution.fold_summaries(:'shop') \g /dev/null
SELECT set_eq('SELECT * FROM attribution.partner_leaderboard', 'SELECT * FROM unfolded', 'folded, it is the same');

SELECT * FROM finish();
ROLLBACK;
