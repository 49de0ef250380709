-- override_allocation(), lift_override(): a sale divided by hand stays so until it is lifted, and everybody sees who did it and why.
BEGIN;
SELECT plan(37);
\ir ../refunds.psql

CREATE FUNCTION pg_temp.set(p_transaction text, p_shares jsonb, p_by text DEFAULT 'ann', p_reason text DEFAULT 'a call') RETURNS uuid LANGUAGE sql
RETURN attribution.override_allocation(attribution.current_tenant(), p_transaction, p_shares, p_by, p_reason);
CREATE FUNCTION pg_temp.lift(p_transaction text) RETURNS uuid LANGUAGE sql
RETURN attribution.lift_override(attribution.current_tenant(), p_transaction, 'bob', 'a mistake');
CREATE FUNCTION pg_temp.last_batch() RETURNS text LANGUAGE sql AS $$
    SELECT b.kind || ' ' || string_agg(l.entry_type || ' ' || l.amount_cents, ', ' ORDER BY l.entry_type DESC, abs(l.amount_cents) DESC, l.channel_code)
    FROM attribution.ledger_batches AS b
    JOIN attribution.revenue_ledger AS l ON l.batch_id = b.id
    WHERE b.id = (SELECT i.id FROM attribution.ledger_batches AS i ORDER BY i.posted_at DESC LIMIT 1)
    GROUP BY b.id, b.kind
$$;

SELECT pg_temp.sale('s', '13:00', 1001) \g /dev/null
SELECT isnt(pg_temp.set('s', '{"phone": 60, "email": 40}'), NULL, 'an override has an id');
SELECT is(pg_temp.held('s'), 'email 400, phone 601', 'and divides the sale, to channels without a touch too');
SELECT is(
    pg_temp.last_batch(), 'override reversal -401, reversal -400, reversal -200, override 601, override 400', 'by a batch of its own kind'
);
SELECT results_eq(
    $$SELECT sequence, override_by, reason, shares #>> '{0,channel}', shares #>> '{0,percent}', created_by FROM attribution.allocation_overrides$$,
    $$VALUES (1, 'ann', 'a call', 'email', '40', session_user)$$, 'it is on record'
);
SELECT is_empty(
    $$SELECT l.id FROM attribution.revenue_ledger AS l, attribution.allocation_overrides AS o
    WHERE l.entry_type = 'override' AND (l.override_by <> 'ann' OR l.override_by IS NULL OR l.audit_trail IS DISTINCT FROM
        jsonb_build_object('override_id', o.id, 'by', 'ann', 'at', o.created_at, 'reason', 'a call'))$$,
    'who, when and why stand on each line'
);
SELECT is(pg_temp.shares('s', 'position_based_30d'), '1 email 400, 2 phone 601', 'the book''s allocations are those of the override');
SELECT matches(
    (SELECT a.reason FROM attribution.attribution_allocations AS a WHERE a.override_id IS NOT NULL AND a."position" = 1),
    '^40% by hand: ann, a call$', 'with a reason for people'
);
SELECT is(pg_temp.shares('s', 'linear'), '1 sms 334, 2 email 334, 3 direct 333', 'shadow rules go on');

-- Nothing but a person undoes it.
SELECT pg_temp.touch('late', '12:30', 'organic'), attribution.process_batch(:'shop') \g /dev/null
SELECT is(pg_temp.held('s'), 'email 400, phone 601', 'a late touch does not');
SELECT pg_temp.rule('new book', 'last_touch', '{"lookback": "30 days"}', '{}', true, 1) \g /dev/null
SELECT * FROM attribution.rebuild(:'shop') \g /dev/null
SELECT is(pg_temp.held('s'), 'email 400, phone 601', 'nor does a new rule and a rebuild');
SELECT results_eq($$SELECT changed FROM attribution.rebuild(attribution.current_tenant())$$, 'VALUES (0::bigint)', 'which then finds nothing to do');
SELECT pg_temp.back('r', 'refund', 's', 501) \g /dev/null
SELECT is(pg_temp.held('s'), 'email 200, phone 300', 'a refund is taken from it');
SELECT pg_temp.sale('more', '13:30', 100, 'USD', 1, 's') \g /dev/null
SELECT is(pg_temp.held('s'), 'email 240, phone 360', 'a further conversion of the transaction is divided like the first');
SELECT is_empty('SELECT * FROM attribution.verify_tenant(attribution.current_tenant())', 'verify() agrees');

-- Overridden again, and lifted.
SELECT pg_temp.set('s', '[{"channel": "partner", "percent": 1, "partner_id": "p7", "campaign_id": "c"}]', 'eve') \g /dev/null
SELECT is(pg_temp.held('s'), 'partner 600', 'the newest counts; a whole is 1 or 100');
SELECT is(
    (SELECT string_agg(DISTINCT concat_ws(' ', l.campaign_id, l.partner_id), '') FROM attribution.revenue_ledger AS l WHERE l.channel_code = 'partner'),
    'c p7', 'with campaign and partner'
);
SELECT isnt(pg_temp.lift('s'), NULL, 'lifting is a record, too');
SELECT is(pg_temp.held('s'), 'organic 600', 'the sale is the book rule''s again');
SELECT is(
    (SELECT string_agg(DISTINCT concat(b.kind, ' ', l.override_by, ' ', l.audit_trail ->> 'reason'), '')
    FROM attribution.revenue_ledger AS l JOIN attribution.ledger_batches AS b ON b.id = l.batch_id
    WHERE b.id = (SELECT i.id FROM attribution.ledger_batches AS i ORDER BY i.posted_at DESC LIMIT 1)),
    'override bob a mistake', 'and its lines say who gave it back'
);
SELECT results_eq(
    'SELECT sequence, shares IS NULL, override_by FROM attribution.allocation_overrides ORDER BY sequence',
    $$VALUES (1, false, 'ann'), (2, false, 'eve'), (3, true, 'bob')$$, 'all of it stays on record'
);
SELECT is_empty('SELECT * FROM attribution.verify_tenant(attribution.current_tenant())', 'verify() agrees');
SELECT throws_ok($$SELECT pg_temp.lift('s')$$, 'RA004', 'transaction ''s'' is not divided by hand', 'lifted once, it is lifted');

-- A sale without a transaction id goes by its event id; one in euros has its dollars.
SELECT attribution.import_fx_rates('[{"currency": "EUR", "date": "2024-01-01", "rate": "1.5"}]', 'test') \g /dev/null
SELECT pg_temp.sale('e', '13:00', 101, 'EUR') \g /dev/null
SELECT pg_temp.set('e', '{"sms": 50, "phone": 50}') \g /dev/null
SELECT is(pg_temp.held('e') || ' | ' || pg_temp.usd('e'), 'phone 51, sms 50 | phone 77, sms 75', '101 cents are 151.5, divided as the cents are');
INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, conversion_value_cents, currency)
VALUES ('purchase', lpad('1', 32, '0')::uuid, pg_temp.at('13:00'), 'anonymous', 10, 'USD');
SELECT lives_ok($$SELECT pg_temp.set(pg_temp.id('anonymous')::text, '{"sms": 100}')$$, 'a sale of no transaction id is named by its event id');
SELECT is(pg_temp.held(pg_temp.id('anonymous')::text), 'sms 10', 'and divided');

-- What is refused; nothing of it is kept.
SELECT throws_ok(format('SELECT pg_temp.set(%L, %L, %L, %L)', b.sale, b.shares, b.by_whom, b.reason), b.state, b.message, b.message)
FROM (VALUES
    ('e', '{"sms": 60, "phone": 30}', 'ann', 'why', 'RA005', 'the shares do not sum to 100%'),
    ('e', '{"sms": 110, "phone": -10}', 'ann', 'why', 'RA005', 'the shares do not sum to 100%'),
    ('e', '{"sms": 0, "phone": 100}', 'ann', 'why', 'RA005', 'the shares do not sum to 100%'),
    ('e', '{"sms": "100"}', 'ann', 'why', 'RA005', 'these are not shares'),
    ('e', '{"nowhere": 100}', 'ann', 'why', 'RA004', 'unknown channel: nowhere'),
    ('none', '{"sms": 100}', 'ann', 'why', 'RA004', 'no transaction ''none'''),
    ('e', NULL, 'ann', 'why', 'RA005', 'these are not shares'),
    ('e', '{"sms": 100}', ' ', 'why', 'RA005', 'an override has a name and a reason'),
    ('e', '{"sms": 100}', 'ann', NULL, 'RA005', 'an override has a name and a reason')
) AS b (sale, shares, by_whom, reason, state, message);
SELECT is((SELECT count(*) FROM attribution.allocation_overrides), 5::bigint, 'nothing of it is on record');
SELECT throws_ok(
    $$SELECT attribution.override_allocation('00000000-0000-0000-0000-000000000001', 'e', '{"sms": 100}', 'ann', 'why')$$, 'RA004', NULL, 'nor for an unknown tenant'
);
SELECT throws_ok('UPDATE attribution.allocation_overrides SET reason = ''none''', 'RA001', NULL, 'the record is append-only');

SELECT * FROM finish();
ROLLBACK;
