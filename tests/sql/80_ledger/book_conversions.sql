-- book_conversions(): the short way of a new conversion leaves what the long way would leave.
BEGIN;
SELECT plan(12);
\ir ../shop.psql
INSERT INTO attribution.fx_rates (currency, rate_date, rate_to_usd, source) VALUES ('EUR', '2024-02-28', 1.0013, 'test'), ('EUR', '2024-03-02', 2, 'test');
UPDATE attribution.tenants SET settings = '{"mode": "deferred"}' WHERE id = :'shop';
SELECT
    pg_temp.touch('a', '10:00', 'sms', 1, 'spring'), pg_temp.touch('b', '11:00', 'email'), pg_temp.touch('c', '11:30', 'direct'),
    pg_temp.sale('usd', '12:00', 1001), pg_temp.sale('eur', '12:00', 1001, 'EUR'), pg_temp.sale('yen', '12:00', 1001, 'JPY'),
    pg_temp.sale('cent', '12:00', 1), pg_temp.sale('free', '12:00', 0), pg_temp.sale('alone', '12:00', 500, 'USD', 2),
    pg_temp.sale('two', '12:00', 700), pg_temp.sale('two, again', '12:30', 300, 'USD', 1, 'two') \g /dev/null

CREATE TEMP TABLE news AS SELECT array_agg(e.id) AS ids FROM attribution.attribution_events AS e WHERE e.event_kind = 'conversion';
CREATE TEMP TABLE due AS
SELECT d.event_id, d.rule_id, d."position", d.touch_id, d.channel_code, d.campaign_id, d.allocated_revenue_cents, d.is_book, d.reason
FROM news, attribution.due_allocations(:'shop', news.ids) AS d;
SELECT results_eq(
    format('SELECT cardinality(b.credited), cardinality(b.booked) FROM news, attribution.book_conversions(%L, news.ids) AS b', :'shop'),
    'VALUES (8, 8)', 'all are credited, and booked'
);
SELECT results_eq(
    'SELECT (event_id, rule_id, "position", touch_id, channel_code, campaign_id, allocated_revenue_cents, is_book, reason)::text
    FROM attribution.attribution_allocations ORDER BY event_id, rule_id, "position"',
    'SELECT d::text FROM due AS d ORDER BY event_id, rule_id, "position"', 'with what is due'
);
SELECT is_empty(format('SELECT c.* FROM news, attribution.ledger_changes(%L, news.ids) AS c', :'shop'), 'the ledger lacks nothing');
SELECT is(pg_temp.ledger('usd'), 'attribution sms 401, attribution email 200, attribution direct 400', 'the book''s shares are posted');
SELECT results_eq(
    $$SELECT l.channel_code COLLATE "default", l.campaign_id COLLATE "default", l.amount_cents, l.amount_usd_cents, l.fx_rate_used, l.fx_conversion_timestamp
    FROM attribution.revenue_ledger AS l WHERE l.transaction_id = 'eur' ORDER BY l.amount_cents DESC$$,
    $$VALUES ('sms', 'spring', 401::bigint, 402::bigint, 1.0013, timestamptz '2024-02-28 00:00+00'),
        ('direct', NULL, 400, 400, 1.0013, '2024-02-28 00:00+00'), ('email', NULL, 200, 200, 1.0013, '2024-02-28 00:00+00')$$,
    'dollars are converted whole and divided: 1002 cents, which converted one by one would be 1003'
);
SELECT results_eq(
    $$SELECT DISTINCT l.amount_usd_cents, l.fx_rate_used, l.fx_conversion_timestamp FROM attribution.revenue_ledger AS l WHERE l.currency = 'JPY'$$,
    'VALUES (NULL::bigint, NULL::numeric, NULL::timestamptz)', 'without a rate there are no dollars'
);
SELECT is(
    (SELECT string_agg(DISTINCT l.transaction_id, ' ' ORDER BY l.transaction_id) FROM attribution.revenue_ledger AS l),
    'alone cent eur two usd yen', 'nothing is posted for a sale that is worth nothing'
);
SELECT results_eq(
    'SELECT kind, cause_event_id, entry_count, posted_by, reason FROM attribution.ledger_batches',
    $$SELECT 'attribution'::text COLLATE "C", NULL::uuid, 17, session_user, 'revenue credited, conversions: 7'$$, 'all is one batch'
);

-- What is not new does not go that way.
CALL attribution.run_pending(0);
SELECT is_empty(format('SELECT * FROM attribution.verify_tenant(%L)', :'shop'), 'nothing is to be found afterwards');
SELECT is((SELECT count(*) FROM attribution.ledger_batches), 1::bigint, 'and the queue adds nothing');
SELECT pg_temp.sale('back', '12:00', 100) \g /dev/null
INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, conversion_value_cents, currency, transaction_id)
VALUES ('refund', lpad('1', 32, '0')::uuid, pg_temp.at('13:00'), 'back-1', 40, 'USD', 'back');
CALL attribution.run_pending(0);
SELECT is(
    (SELECT sum(l.amount_cents) FROM attribution.revenue_ledger AS l WHERE l.transaction_id = 'back'), 60::numeric,
    'a sale that is first seen with its refund is booked with it'
);
SELECT is_empty(format('SELECT * FROM attribution.verify_tenant(%L)', :'shop'), 'whole');

SELECT * FROM finish();
ROLLBACK;
