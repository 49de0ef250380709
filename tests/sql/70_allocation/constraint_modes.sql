-- constraint_mode: must_sum_to_100 normalises; cap_at_100 scales down above 100 percent and leaves the rest unattributed below;
-- allow_double_counting credits everybody in full and never reaches the ledger.
BEGIN;
SELECT plan(31);
\ir ../60_model/preview.psql
\ir ../shop.psql
\set low '''a@08:00 partner weight=0.2, b@09:00 email weight=0.3'''
\set whole '''a@08:00 partner weight=0.4, b@09:00 email weight=0.6'''
\set high '''a@08:00 partner weight=0.8, b@09:00 email weight=1.2'''
\set both '''a@08:00 partner weight=0.8, b@09:00 email weight=0.9'''
\set five '''a@07:00 email, b@08:00 sms, c@09:00 direct, d@10:00 phone, e@11:00 organic'''
\set must '''{"constraint_mode": "must_sum_to_100"}'''
\set cap '''{"constraint_mode": "cap_at_100"}'''
\set double '''{"constraint_mode": "allow_double_counting"}'''

SELECT is(pg_temp.credit('weighted', :low, :must), 'a 400, b 600', 'must_sum_to_100 scales 50 percent up');
SELECT is(pg_temp.credit('weighted', :high, :must), 'a 400, b 600', 'and 200 percent down');
SELECT is(pg_temp.credit('weighted', :low, :cap), 'a 200, b 300, - 500', 'cap_at_100 below 100 percent: the rest is unattributed');
SELECT is(pg_temp.credit('weighted', :whole, :cap), 'a 400, b 600', 'at 100 percent: nothing is left');
SELECT is(pg_temp.credit('weighted', :high, :cap), 'a 400, b 600', 'above: scaled down');
SELECT is(pg_temp.credit('weighted', 'a@08:00 email, b@09:00 sms', :cap), 'a 0, b 0, - 1000', 'nothing earned: all is unattributed');
SELECT is(pg_temp.credit('weighted', 'a@08:00 email weight=0.5', :cap, 1), 'a 1, - 0', 'the odd cent of a tie goes to the touch');
SELECT is(pg_temp.credit('weighted', 'a@08:00 email weight=0.3', :cap, 1), 'a 0, - 1', 'or to the larger fraction');
SELECT is(pg_temp.credit('weighted', :low, :double), 'a 200, b 300', 'allow_double_counting: raw shares, nothing unattributed');
SELECT is(pg_temp.credit('weighted', :both, :double), 'a 800, b 900', 'above 100 percent too');
SELECT is(pg_temp.credit('weighted', :high, :double), 'a 800, b 1000', 'nobody is credited more than the sale');
SELECT is(pg_temp.credit('weighted', 'a@08:00 email', :double) || '; ' || pg_temp.credit('weighted', '', :double), 'a 0, - 1000; - 1000', 'nothing earned: unattributed');

-- Raw shares of the other models.
SELECT is(pg_temp.credit('linear', :five, :cap), 'a 200, b 200, c 200, d 200, e 200', 'linear, capped: fifths');
SELECT is(pg_temp.credit('linear', :five, :double), 'a 1000, b 1000, c 1000, d 1000, e 1000', 'linear, counted double: everybody in full');
SELECT is(
    pg_temp.credit('last_touch', :five, :cap) || '; ' || pg_temp.credit('last_touch', :five, :double),
    'a 0, b 0, c 0, d 0, e 1000; a 0, b 0, c 0, d 0, e 1000', 'last_touch: the same either way'
);
SELECT is(
    pg_temp.credit('position_based', :five, :double), 'a 400, b 67, c 67, d 67, e 400', 'position_based: 40, three times 20/3, 40, each rounded by itself'
);
SELECT is(pg_temp.credit('position_based', :five, :cap), 'a 400, b 67, c 67, d 66, e 400', 'capped: 100 percent, exactly');
SELECT is(
    pg_temp.credit('position_based', 'a@08:00 email, b@09:00 sms', '{"first": 0.2, "last": 0.6, "constraint_mode": "cap_at_100"}'),
    'a 250, b 750', 'two touches share the whole, as the model says'
);
SELECT is(
    pg_temp.credit('w_shaped', 'a@08:00 email, b@09:00 sms', :cap, p_milestones => '{"lead_created": "09:30"}')
    || '; ' || pg_temp.credit('w_shaped', :five, :cap, p_milestones => '{"lead_created": "08:30"}'),
    'a 500, b 500; a 428, b 428, c 48, d 48, e 48', 'w_shaped renormalises by itself: nothing is left to be unattributed'
);
SELECT is(
    pg_temp.credit('full_path', :five, :double, p_milestones => '{"lead_created": "08:30", "opportunity_created": "10:30"}'),
    'a 225, b 225, c 100, d 225, e 225', 'full_path: its shares, whatever the number of others'
);
SELECT is(
    pg_temp.credit('time_decay', 'a@11:00 email', '{"half_life": "1 hour", "constraint_mode": "cap_at_100"}') || '; '
    || pg_temp.credit('time_decay', 'a@10:00 email, b@11:00 sms', '{"half_life": "1 hour", "constraint_mode": "allow_double_counting"}'),
    'a 500, - 500; a 250, b 500', 'time_decay: half per half-life before the sale'
);
SELECT is(
    pg_temp.credit('daily_linear', 'a@08:00 email, b@09:00 sms, c@10:00 direct', :cap), 'a 334, b 333, c 333',
    'daily_linear: thirds of a day are a whole day, nothing is left over'
);
SELECT is(
    pg_temp.credit('role_based', 'a@08:00 partner role=sourced, b@09:00 partner role=sourced',
        '{"roles": {"sourced": 0.6, "influenced": 0.4}, "constraint_mode": "cap_at_100"}'),
    'a 300, b 300, - 400', 'role_based: pools are raw shares'
);

-- A shadow rule may count double; the ledger never does.
CREATE FUNCTION pg_temp.party(p_key text, p_at text, p_weight float8) RETURNS void LANGUAGE sql AS $$
    INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, channel, partner_id, weight)
    VALUES ('partner_touch', lpad('1', 32, '0')::uuid, pg_temp.at(p_at), p_key, 'partner', p_key, p_weight)
$$;
INSERT INTO attribution.attribution_rules (tenant_id, name, model_type, constraint_mode, status) VALUES
(:'shop', 'capped', 'weighted', 'cap_at_100', 'active'), (:'shop', 'influence', 'weighted', 'allow_double_counting', 'active');
SELECT pg_temp.party('a', '10:00', 0.8), pg_temp.sale('below', '10:30', 1000), pg_temp.party('b', '11:00', 0.9), pg_temp.sale('above', '12:00', 1000) \g /dev/null
SELECT is(pg_temp.shares('below', 'capped'), '0 unattributed 200, 1 partner 800', 'stored, capped below 100 percent');
SELECT is(pg_temp.shares('above', 'capped'), '1 partner 471, 2 partner 529', 'stored, capped above: 8/17 and 9/17');
SELECT is(pg_temp.shares('above', 'influence'), '1 partner 800, 2 partner 900', 'stored, counted double');
SELECT is(pg_temp.ledger('above'), 'attribution partner 500, attribution partner 500', 'the ledger holds the book''s shares alone');
SELECT is_empty(
    $$SELECT l.id FROM attribution.revenue_ledger AS l
    JOIN attribution.attribution_allocations AS a ON a.tenant_id = l.tenant_id AND a.id = l.allocation_id
    JOIN attribution.attribution_rules AS r ON r.tenant_id = a.tenant_id AND r.id = a.rule_id
    WHERE r.constraint_mode <> 'must_sum_to_100'$$, 'no line comes from a rule that does not sum to 100 percent'
);
SELECT is_empty(format('SELECT check_name, detail FROM attribution.verify(%L)', :'shop'), 'and verify() finds nothing wrong');
SELECT throws_ok(
    format($$SELECT * FROM attribution.apply_rule(%L, '{"name": "x", "model_type": "weighted", "is_book": true, "constraint_mode": "%s"}')$$, :'shop', m.mode),
    'RA003', 'rule x is not valid', m.mode || ' is refused for a book'
)
FROM unnest(ARRAY['cap_at_100', 'allow_double_counting']) AS m (mode);

SELECT * FROM finish();
ROLLBACK;
