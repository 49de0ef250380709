-- apply_rule(), set_rule_status(), simulate_rule(): versions are made where something differs; history waits for a rebuild.
BEGIN;
SELECT plan(19);
\ir ../shop.psql
CREATE FUNCTION pg_temp.apply(p_rule jsonb, p_activate boolean DEFAULT true) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s %s', a.version, a.change) FROM attribution.apply_rule(attribution.current_tenant(), p_rule, p_activate) AS a
$$;
CREATE FUNCTION pg_temp.versions(p_name text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(r.version || ' ' || r.status, ', ' ORDER BY r.version)
    FROM attribution.attribution_rules AS r
    WHERE r.tenant_id = attribution.current_tenant() AND r.name = p_name
$$;
SELECT pg_temp.touch('a', '10:00', 'email'), pg_temp.touch('b', '11:00', 'sms'), pg_temp.sale('s', '12:00', 1000) \g /dev/null

SELECT is(pg_temp.apply('{"name": "mine", "model_type": "linear"}'), '1 created', 'a new rule');
SELECT is(pg_temp.apply('{"name": "mine", "model_type": "linear", "config": {}, "priority": 100, "is_book": false}'), '1 unchanged', 'the same, defaults written out');
SELECT is(pg_temp.apply('{"name": "mine", "model_type": "first_touch"}'), '2 updated', 'another model: another version');
SELECT is(pg_temp.versions('mine'), '1 retired, 2 active', 'and the one before is retired');
SELECT is(pg_temp.apply('{"name": "mine", "model_type": "last_touch"}', false), '3 updated', 'a draft');
SELECT is(pg_temp.versions('mine'), '1 retired, 2 active, 3 draft', 'leaves the active one');
SELECT is_empty(
    $$SELECT changed.rule FROM unnest(ARRAY[
        '{}', '{"config": {"lookback": "1 day"}}', '{"config": {"lookback": "2 days"}}',
        '{"config": {"lookback": "2 days"}, "applies_to": {"currencies": ["USD"]}}',
        '{"config": {"lookback": "2 days"}, "applies_to": {"currencies": ["USD"]}, "priority": 5}',
        '{"config": {"lookback": "2 days"}, "applies_to": {"currencies": ["USD"]}, "priority": 5, "is_book": true}',
        '{"config": {"lookback": "2 days"}, "applies_to": {"currencies": ["USD"]}, "priority": 5}',
        '{"config": {"lookback": "2 days"}, "applies_to": {"currencies": ["USD"]}, "priority": 5, "constraint_mode": "cap_at_100"}'
    ]::jsonb[]) WITH ORDINALITY AS changed (rule, number)
    WHERE pg_temp.apply('{"name": "theirs", "model_type": "linear"}' || changed.rule) NOT LIKE changed.number || ' %ed'
        OR pg_temp.apply('{"name": "theirs", "model_type": "linear"}' || changed.rule) <> changed.number || ' unchanged'$$,
    'each part of a rule makes another version, once'
);
SELECT is(pg_temp.shares('s', 'mine'), NULL, 'history is not restated');
SELECT attribution.rebuild(:'shop') \g /dev/null
SELECT is(pg_temp.shares('s', 'mine'), '1 email 1000', 'until a rebuild');

SELECT attribution.set_rule_status(:'shop', 'mine', 3, 'active') \g /dev/null
SELECT is(pg_temp.versions('mine'), '1 retired, 2 retired, 3 active', 'a version is activated, the active one retired');
SELECT attribution.set_rule_status(:'shop', 'mine', NULL, 'retired') \g /dev/null
SELECT is(pg_temp.versions('mine'), '1 retired, 2 retired, 3 retired', 'and retired');
SELECT throws_ok(
    format($$SELECT attribution.set_rule_status(%L, 'nobody', NULL, 'active')$$, :'shop'), 'RA004', 'no rule ''nobody''', 'there is no such rule'
);
SELECT throws_ok(
    format($$SELECT attribution.set_rule_status(%L, 'mine', 1, 'draft')$$, :'shop'), '22023', 'status ''draft'' cannot be set', 'nothing becomes a draft again'
);
SELECT throws_ok(
    $$SELECT pg_temp.apply('{"name": "rival", "model_type": "linear", "is_book": true, "priority": 100}')$$, 'RA003', 'two book rules with priority 100',
    'two active book rules of one priority are refused'
);
SELECT is(pg_temp.apply('{"name": "rival", "model_type": "linear", "is_book": true, "priority": 100}', false), '1 created', 'but not a draft');
SELECT throws_ok(
    format($$SELECT attribution.set_rule_status(%L, 'rival', 1, 'active')$$, :'shop'), 'RA003', 'two book rules with priority 100', 'which cannot be activated'
);

SELECT results_eq(
    format($$SELECT * FROM attribution.simulate_rule(%L, '{"name": "x", "model_type": "last_touch"}', '2024-03-01')$$, :'shop'),
    $$VALUES ('email', 'USD', 500::numeric, 0::numeric), ('sms', 'USD', 500, 1000)$$, 'simulate_rule(): what the book gives, and what the rule would'
);
SELECT is_empty(
    format($$SELECT * FROM attribution.simulate_rule(%L, '{"name": "x", "model_type": "last_touch"}', '2024-03-02')$$, :'shop'), 'of the period asked for'
);
SELECT results_eq(
    format($$SELECT * FROM attribution.simulate_rule(%L, '{"name": "x", "model_type": "last_touch", "applies_to": {"currencies": ["EUR"]}}', '2024-03-01')$$, :'shop'),
    $$VALUES ('email', 'USD', 500::numeric, 500::numeric), ('sms', 'USD', 500, 500)$$, 'a sale that it does not apply to keeps its credit'
);

SELECT * FROM finish();
ROLLBACK;
