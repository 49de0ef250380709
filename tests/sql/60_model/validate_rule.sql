-- validate_rule() and guard_rule(): every error of a rule at once; nothing invalid becomes active, and versions never change.
BEGIN;
SELECT plan(38);
CREATE FUNCTION pg_temp.errors(p_rule jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(e.path, ' ' ORDER BY e.path), 'none') FROM attribution.validate_rule(p_rule) AS e
$$;
CREATE FUNCTION pg_temp.config_errors(p_config text, p_model text DEFAULT 'linear') RETURNS text LANGUAGE sql
RETURN pg_temp.errors(jsonb_build_object('name', 'x', 'model_type', p_model, 'config', p_config::jsonb));

SELECT is(pg_temp.errors('{"name": "x", "model_type": "linear"}'), 'none', 'a name and a model will do');
SELECT is(
    pg_temp.errors('{"name": "x", "model_type": "position_based", "config": {"lookback": "1.5 hours", "first": 0, "last": 1,
        "two_touch": "equal", "cutoff": "first_paid", "on_repeat": "reset", "dedupe": "channel", "exclude_channels": ["direct"],
        "only_channels": ["email"], "per_channel": {"email": "7 days"}, "per_event_type": {"call": "1 hour"}},
        "applies_to": {"event_types": ["purchase"], "campaigns": ["spring"], "partners": ["a"],
        "currencies": ["USD"], "min_value_cents": 1, "max_value_cents": 2.5}, "constraint_mode": "must_sum_to_100", "priority": 5, "is_book": true}'),
    'none', 'every option may be given'
);
SELECT is(
    pg_temp.config_errors('{"half_life": "1 day", "missing_timestamp": "uniform"}', 'time_decay')
    || pg_temp.config_errors('{"missing_timestamp": "reject"}', 'daily_linear')
    || pg_temp.config_errors('{"first": 0.1, "last": 0.9, "two_touch": "prorate"}', 'j_shaped')
    || pg_temp.config_errors('{"first": 0.1, "last": 0.9, "two_touch": "split_middle"}', 'inverse_j')
    || pg_temp.config_errors('{"roles": {"a": 0.6, "b": 2}, "absent_roles": "unattributed"}', 'role_based')
    || pg_temp.errors('{"name": "x", "model_type": "weighted", "constraint_mode": "cap_at_100"}')
    || pg_temp.errors('{"name": "x", "model_type": "weighted", "constraint_mode": "allow_double_counting"}'),
    repeat('none', 7), 'each model has its own'
);
SELECT is(
    pg_temp.config_errors('{"half_life": "1 day", "first": 0.4, "two_touch": "equal", "roles": {"a": 1}, "weight_function": "a.b", "missing_timestamp": "reject"}'),
    '$.config.first $.config.half_life $.config.missing_timestamp $.config.roles $.config.two_touch $.config.weight_function',
    'and none of another''s'
);
SELECT is(
    pg_temp.config_errors('{"cutoff": "sale", "on_repeat": true, "dedupe": "day", "exclude_channels": "email", "only_channels": [1],
        "per_channel": {"email": "soon", "sms": "200 years"}, "per_event_type": []}'),
    '$.config.cutoff $.config.dedupe $.config.exclude_channels $.config.on_repeat $.config.only_channels '
    '$.config.per_channel.email $.config.per_channel.sms $.config.per_event_type', 'journey options are checked one by one'
);
SELECT is(
    pg_temp.config_errors('{}', 'role_based') || ' ' || pg_temp.config_errors('{"roles": {}}', 'role_based') || ' '
    || pg_temp.config_errors('{"roles": {"a": 0, "b": -1, "c": "1", "d": 1}, "absent_roles": "keep"}', 'role_based'),
    '$.config.roles $.config.roles $.config.absent_roles $.config.roles.a $.config.roles.b $.config.roles.c', 'pools are numbers above 0'
);
SELECT is(
    pg_temp.errors('{"name": "x", "model_type": "linear", "is_book": true, "constraint_mode": "cap_at_100"}') || ' '
    || pg_temp.errors('{"name": "x", "model_type": "linear", "is_book": true, "constraint_mode": "allow_double_counting"}'),
    '$.constraint_mode $.constraint_mode', 'a book sums to 100 percent'
);
SELECT is(
    pg_temp.errors('{"name": "x", "model_type": "linear", "config": {"only_channels": []}, "applies_to": {"event_types": [], "currencies": []}}') || ' '
    || pg_temp.errors('{"name": "x", "model_type": "linear", "applies_to": {"min_value_cents": 2, "max_value_cents": 1}}') || ' '
    || pg_temp.errors('{"name": "x", "model_type": "linear", "applies_to": {"min_value_cents": 2, "max_value_cents": 2}}'),
    '$.applies_to.currencies $.applies_to.event_types $.config.only_channels $.applies_to none', 'a rule applies to something'
);
SELECT is(
    pg_temp.config_errors('{}', 'markov') || pg_temp.config_errors('{}', 'shapley') || pg_temp.config_errors('{}', 'bayesian_mmm'),
    repeat('$.model_type', 3), 'the statistical models are reserved'
);
SELECT is(
    pg_temp.errors('{"name": " x", "model_type": "markov", "config": {"lookback": "3 moons", "half_life": "0 days", "first": 2, "last": "a",
        "cutoff": "x", "speed": 1}, "applies_to": {"event_types": "purchase", "currencies": [1], "min_value_cents": "5", "when": 1},
        "constraint_mode": "sometimes"}'),
    '$.applies_to.currencies $.applies_to.event_types $.applies_to.min_value_cents $.applies_to.when $.config $.config.cutoff '
    '$.config.first $.config.first $.config.half_life $.config.half_life $.config.last $.config.last $.config.lookback $.config.speed $.constraint_mode $.model_type $.name',
    'every error is reported at once'
);
SELECT results_eq(
    $$SELECT path, message, hint FROM attribution.validate_rule('{"name": "x", "model_type": "linear", "config": {"lookback": "soon"}}')$$,
    $$VALUES ('$.config.lookback', 'lookback ''soon'' is not a length of time up to 100 years', 'Give a number and a unit, such as "30 days".')$$,
    'with a message and a hint'
);
SELECT is(pg_temp.errors('[]'), '$ $.model_type $.name', 'a list is no rule');
SELECT is(pg_temp.errors('null'), '$ $.model_type $.name', 'nor is a JSON null');
SELECT is(pg_temp.errors(NULL), '$ $.model_type $.name', 'nor an SQL null');
SELECT is(pg_temp.errors('{"name": "x", "model_type": "linear", "config": [], "applies_to": 1}'), '$.applies_to $.config', 'config and applies_to are objects');
SELECT is(pg_temp.errors('{"name": "x", "model_type": ["linear"]}'), '$.model_type', 'a model is a text');
SELECT is(pg_temp.errors(jsonb_build_object('name', repeat('é', 101), 'model_type', 'linear')), '$.name', 'a name has at most 200 bytes');
SELECT is(pg_temp.config_errors('{"lookback": null}'), '$.config.lookback', 'null is not a length of time');
SELECT is(pg_temp.config_errors('{"lookback": 30}'), '$.config.lookback', 'nor is a bare number');
SELECT is(pg_temp.config_errors('{"lookback": "-1 day"}'), '$.config.lookback', 'nor a negative one');
SELECT is(pg_temp.config_errors('{"lookback": "99999999999999 days"}'), '$.config.lookback', 'nor one that no interval can hold');
SELECT is(pg_temp.config_errors('{"lookback": "900000 years"}'), '$.config.lookback', 'nor one that reaches back before time began');
SELECT is(pg_temp.config_errors('{"half_life": "0.0 days"}', 'time_decay'), '$.config.half_life', 'a half-life is above 0');
SELECT is(pg_temp.config_errors('{"half_life": "0.1 microseconds"}', 'time_decay'), '$.config.half_life', 'also when it is rounded to microseconds');
SELECT is(pg_temp.config_errors('{"first": "0.4"}', 'position_based'), '$.config.first', 'a share is a number, not a text');
SELECT is(pg_temp.config_errors('{"first": 0.7, "last": 0.4}', 'position_based'), '$.config', 'first and last together are at most 1');
SELECT is(pg_temp.config_errors('{"first": 0.5}', 'j_shaped'), '$.config', 'also where one is the default');
SELECT is(
    pg_temp.errors('{"name": "x", "model_type": "linear", "priority": "high", "is_book": "maybe"}'), '$.is_book $.priority',
    'priority is a number, is_book true or false'
);

\ir ../shop.psql
CREATE FUNCTION pg_temp.version(p_version int, p_config jsonb, p_status text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO attribution.attribution_rules (tenant_id, name, version, model_type, config, status)
    VALUES (attribution.current_tenant(), 'mine', p_version, 'linear', p_config, p_status)
$$;
SELECT lives_ok($$SELECT pg_temp.version(1, '{"lookback": "soon"}', 'draft')$$, 'a draft may be wrong');
SELECT throws_ok(
    $$UPDATE attribution.attribution_rules SET status = 'active' WHERE name = 'mine'$$, 'RA003', 'rule mine is not valid',
    'but it cannot be activated'
);
SELECT throws_ok(
    $$SELECT pg_temp.version(2, '{"lookback": "soon"}', 'active')$$, 'RA003', 'rule mine is not valid', 'nor inserted as active'
);
SELECT lives_ok($$SELECT pg_temp.version(2, '{"lookback": "1 day"}', 'active')$$, 'a valid version can');
SELECT throws_ok(
    $$UPDATE attribution.attribution_rules SET config = '{}' WHERE name = 'mine' AND version = 2$$, 'RA001',
    'a rule version is immutable', 'its options cannot be changed'
);
SELECT throws_ok(
    $$UPDATE attribution.attribution_rules SET priority = 1, status = 'retired' WHERE name = 'mine' AND version = 2$$, 'RA001',
    'a rule version is immutable', 'nor anything else beside the status'
);
SELECT throws_ok(
    $$SELECT pg_temp.version(3, '{}', 'active')$$, '23505', NULL, 'one version of a rule is active at a time'
);
SELECT lives_ok(
    $$UPDATE attribution.attribution_rules SET status = 'retired' WHERE name = 'mine' AND version = 2$$, 'a version can be retired'
);
SELECT throws_ok(
    $$DELETE FROM attribution.attribution_rules WHERE name = 'mine'$$, 'RA001', NULL, 'and never deleted'
);
SELECT throws_ok(
    $$INSERT INTO attribution.attribution_rules (tenant_id, name, model_type, is_book, constraint_mode)
        VALUES (attribution.current_tenant(), 'book', 'linear', true, 'cap_at_100')$$,
    '23514', NULL, 'a book rule is exact'
);

SELECT * FROM finish();
ROLLBACK;
