-- post_allocations() and attribute_conversions(): batches and lines; a restatement reverses and posts anew; a repeat writes nothing.
BEGIN;
SELECT plan(23);
\ir ../shop.psql
SELECT pg_temp.touch('a', '10:00', 'sms', 1, 'spring'), pg_temp.touch('b', '11:00', 'email'), pg_temp.sale('s', '12:00', 1001) \g /dev/null

SELECT is(pg_temp.ledger('s'), 'attribution sms 501, attribution email 500', 'the book''s shares are posted');
SELECT results_eq(
    'SELECT kind, cause_event_id, rule_id, entry_count, posted_by FROM attribution.ledger_batches',
    $$SELECT 'attribution'::text COLLATE "C", pg_temp.id('s'), r.id, 2, session_user
    FROM attribution.attribution_rules AS r WHERE r.is_book$$,
    'as one batch, which names its conversion, rule and poster'
);
SELECT is(
    (SELECT reason FROM attribution.ledger_batches), 'revenue credited, conversions: 1', 'and its reason'
);
SELECT is_empty(
    $$SELECT l.id
    FROM attribution.revenue_ledger AS l
    JOIN attribution.ledger_batches AS b ON b.tenant_id = l.tenant_id AND b.id = l.batch_id
    JOIN attribution.attribution_allocations AS a ON a.tenant_id = l.tenant_id AND a.id = l.allocation_id
    WHERE NOT coalesce(a.is_book AND a.event_id = l.event_id AND a.channel_code = l.channel_code
        AND a.campaign_id IS NOT DISTINCT FROM l.campaign_id AND a.allocated_revenue_cents = l.amount_cents
        AND a.occurred_at = l.occurred_at AND b.posted_at = l.posted_at AND l.state = 'captured' AND l.previous_state IS NULL
        AND l.amount_usd_cents = l.amount_cents AND l.fx_rate_used = 1, false)$$,
    'each line repeats its allocation'
);
SELECT is(
    (SELECT string_agg(coalesce(campaign_id, 'none'), ' ' ORDER BY amount_cents DESC) FROM attribution.revenue_ledger), 'spring none',
    'campaigns too'
);
SELECT is(attribution.post_allocations(:'shop', ARRAY[pg_temp.id('s')])::bigint, 0::bigint, 'posting again posts nothing');
SELECT is(attribution.attribute_conversions(:'shop', ARRAY[pg_temp.id('s')])::bigint, 0::bigint, 'nor does attributing again');
SELECT is((SELECT count(*) FROM attribution.ledger_batches), 1::bigint, 'no empty batch is left behind');

SELECT pg_temp.touch('c', '11:30', 'direct') \g /dev/null
SELECT is(attribution.attribute_conversions(:'shop', ARRAY[pg_temp.id('s')])::bigint, 1::bigint, 'a late touch changes the conversion');
SELECT is(
    pg_temp.ledger('s'),
    'attribution sms 501, attribution email 500, reversal sms -501, reversal email -500, attribution sms 401, attribution email 200, attribution direct 400',
    'what was posted is reversed, what is due is posted'
);
SELECT is((SELECT sum(amount_cents) FROM attribution.revenue_ledger), 1001::numeric, 'the sum is the sale');
SELECT results_eq(
    'SELECT kind, cause_event_id, entry_count, reason FROM attribution.ledger_batches ORDER BY id DESC LIMIT 1',
    $$SELECT 'restatement'::text COLLATE "C", pg_temp.id('s'), 5, 'facts or rules changed: credit reversed and posted anew, transactions: 1'$$,
    'in one restatement batch'
);
SELECT is_empty(
    $$SELECT l.id
    FROM attribution.revenue_ledger AS l
    LEFT JOIN attribution.revenue_ledger AS o ON o.tenant_id = l.tenant_id AND o.id = l.reverses_id
    WHERE l.entry_type = 'reversal' AND NOT coalesce(
        (o.allocation_id, o.channel_code, o.event_id, o.transaction_id, o.currency, -o.amount_cents, -o.amount_usd_cents, o.occurred_at)
        = (l.allocation_id, l.channel_code, l.event_id, l.transaction_id, l.currency, l.amount_cents, l.amount_usd_cents, l.occurred_at),
        false)$$,
    'a reversal mirrors its line'
);
SELECT is((SELECT count(*) FROM attribution.revenue_ledger WHERE previous_state = 'captured'), 5::bigint, 'and the state stays captured');

-- What has no cents has no line; what has no touch is posted as unattributed; what is not in dollars has no dollars yet.
SELECT pg_temp.sale('zero', '12:00', 0), pg_temp.sale('nothing', '12:00', 70, 'EUR', 9), pg_temp.sale('cent', '12:00', 1) \g /dev/null
SELECT is(pg_temp.ledger('zero'), NULL, 'a sale of nothing has no line');
SELECT is(
    (SELECT processing_status FROM attribution.event_processing WHERE event_id = pg_temp.id('zero')), 'processed', 'but is processed'
);
SELECT is(pg_temp.ledger('nothing'), 'attribution unattributed 70', 'without touches, the revenue is unattributed, not lost');
SELECT results_eq(
    $$SELECT currency, amount_usd_cents, fx_rate_used, fx_conversion_timestamp FROM attribution.revenue_ledger WHERE transaction_id = 'nothing'$$,
    $$VALUES ('EUR'::text COLLATE "C", NULL::bigint, NULL::numeric, NULL::timestamptz)$$, 'euros are not dollars'
);
SELECT is(pg_temp.ledger('cent'), 'attribution sms 1', 'a share of 0 cents has no line beside one of 1');

-- Many conversions at once: one batch.
UPDATE attribution.tenants SET settings = '{"mode": "deferred"}' WHERE id = :'shop';
SELECT pg_temp.sale('d1', '12:00', 10, 'USD', 20), pg_temp.sale('d2', '12:00', 20, 'USD', 21, 'd1'), pg_temp.sale('d3', '12:00', 30, 'USD', 22) \g /dev/null
SELECT is(
    attribution.attribute_conversions(:'shop', ARRAY[pg_temp.id('d1'), pg_temp.id('d2'), pg_temp.id('d3')])::bigint, 3::bigint, 'three at once'
);
SELECT results_eq(
    'SELECT kind, cause_event_id, entry_count, reason FROM attribution.ledger_batches ORDER BY id DESC LIMIT 1',
    $$VALUES ('attribution'::text COLLATE "C", NULL::uuid, 3, 'revenue credited, conversions: 3')$$, 'are one batch, of no single cause'
);

-- No book rule: an error of processing, kept and retried.
UPDATE attribution.attribution_rules SET status = 'retired' WHERE is_book;
UPDATE attribution.tenants SET settings = '{}' WHERE id = :'shop';
SELECT pg_temp.sale('bookless', '12:00', 10, 'USD', 30) \g /dev/null
SELECT is(
    (SELECT processing_status || ': ' || split_part(last_error, E'\n', 1) FROM attribution.event_processing WHERE event_id = pg_temp.id('bookless')),
    'failed: RA003: no book rule applies to the conversion', 'a conversion without a book rule fails, and says why'
);
SELECT is_empty('SELECT * FROM attribution.verify()', 'and through all this, every invariant holds');

SELECT * FROM finish();
ROLLBACK;
