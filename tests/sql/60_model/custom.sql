-- custom: a rule's own function, checked before it is used; what it does wrong is an error of that rule alone.
BEGIN;
SELECT plan(39);
\ir preview.psql
\ir ../shop.psql
CREATE FUNCTION public.steps("position" int, n int, age interval, config jsonb) RETURNS float8 IMMUTABLE LANGUAGE sql
RETURN "position" * coalesce((config #>> '{parameters,factor}')::float8, 1);
CREATE FUNCTION public.newest("position" int, n int, age interval, config jsonb) RETURNS float8 IMMUTABLE LANGUAGE sql
RETURN CASE WHEN age <= interval '1 hour' THEN n ELSE 1 END;
CREATE FUNCTION public.spoilt("position" int, n int, age interval, config jsonb) RETURNS float8 IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE config #>> '{parameters,how}'
        WHEN 'error' THEN 1 / (n - n)
        WHEN 'negative' THEN -1
        WHEN 'one negative' THEN CASE "position" WHEN 2 THEN -1 ELSE 1 END
        WHEN 'huge' THEN 1e16
        WHEN 'null' THEN NULL
        ELSE (config #>> '{parameters,how}')::float8
    END;
END
$$;
\set three '''a@08:00 email, b@09:00 sms, c@11:00 direct'''

SELECT is(pg_temp.credit('custom', :three, '{"weight_function": "public.steps"}'), 'a 167, b 333, c 500', 'by position: 1, 2, 3 of 6');
SELECT is(pg_temp.credit('custom', :three, '{"weight_function": "public.newest"}'), 'a 200, b 200, c 600', 'by age and n: 1, 1, 3 of 5');
SELECT is(
    pg_temp.credit('custom', 'a@08:00 email, b@11:00 sms, c@10:59:59.999999 direct', '{"weight_function": "public.newest"}'),
    'a 200, c 200, b 600', 'age is exact: one hour, and a microsecond more'
);
SELECT is(
    pg_temp.credit('custom', :three, '{"weight_function": "public.steps", "parameters": {"factor": 0.1}, "constraint_mode": "cap_at_100"}'),
    'a 100, b 200, c 300, - 400', 'the rule''s config reaches the function, and constraint modes apply'
);
SELECT is(
    pg_temp.credit('custom', :three, '{"weight_function": "public.steps", "parameters": {"factor": 0}}'), 'a 0, b 0, c 0, - 1000',
    'nobody earns anything: unattributed'
);
SELECT is(pg_temp.credit('custom', '', '{"weight_function": "public.spoilt"}'), '- 1000', 'no touch: the function is not asked');

-- What is refused, when the rule is made and each time it is used.
CREATE FUNCTION public.stable("position" int, n int, age interval, config jsonb) RETURNS float8 STABLE LANGUAGE sql RETURN 1;
CREATE FUNCTION public.volatile("position" int, n int, age interval, config jsonb) RETURNS float8 VOLATILE LANGUAGE sql RETURN 1;
CREATE FUNCTION public.definer("position" int, n int, age interval, config jsonb) RETURNS float8 IMMUTABLE SECURITY DEFINER LANGUAGE sql RETURN 1;
CREATE FUNCTION public.real_one("position" int, n int, age interval, config jsonb) RETURNS real IMMUTABLE LANGUAGE sql RETURN 1;
CREATE FUNCTION public.several("position" int, n int, age interval, config jsonb) RETURNS SETOF float8 IMMUTABLE LANGUAGE sql AS 'SELECT 1.0::float8';
CREATE FUNCTION public.three_only("position" int, n int, age interval) RETURNS float8 IMMUTABLE LANGUAGE sql RETURN 1;
CREATE FUNCTION public.theirs("position" int, n int, age interval, config jsonb) RETURNS float8 IMMUTABLE LANGUAGE sql RETURN 1;
GRANT CREATE ON SCHEMA public TO attribution_admin, attribution_owner;
ALTER FUNCTION public.theirs(int, int, interval, jsonb) OWNER TO attribution_admin;
CREATE FUNCTION public.ours("position" int, n int, age interval, config jsonb) RETURNS float8 IMMUTABLE LANGUAGE sql RETURN 1;
ALTER FUNCTION public.ours(int, int, interval, jsonb) OWNER TO attribution_owner;

SELECT is(attribution.weight_function_error(f.name), f.wanted, translate(f.name, E'\n', ' '))
FROM (VALUES
    ('public.steps', NULL), ('public.ours', NULL),
    ('public.stable', 'it is not IMMUTABLE'), ('public.volatile', 'it is not IMMUTABLE'),
    ('public.definer', 'it is SECURITY DEFINER'),
    ('public.theirs', 'it belongs neither to attribution_owner nor to a superuser'),
    ('public.real_one', 'it does not return double precision'), ('public.several', 'it does not return double precision'),
    ('public.three_only', 'no function of this name takes (int, int, interval, jsonb)'),
    ('public.nowhere', 'no function of this name takes (int, int, interval, jsonb)'),
    ('no_schema.steps', 'no function of this name takes (int, int, interval, jsonb)'),
    ('steps', 'its name is not schema.function in plain lower case'),
    ('public.steps; DROP TABLE x', 'its name is not schema.function in plain lower case'),
    ('public."steps"', 'its name is not schema.function in plain lower case'),
    (E'public.steps\n', 'its name is not schema.function in plain lower case')
) AS f (name, wanted);
SELECT is(attribution.weight_function_error(NULL), 'no weight function is named', 'a name is needed');
SELECT throws_ok(
    $$SELECT pg_temp.rule('no', 'custom', '{"weight_function": "public.volatile"}')$$, 'RA003', 'rule no is not valid',
    'a rule with such a function cannot become active'
);
SELECT throws_ok(
    $$SELECT pg_temp.credit('custom', 'a@08:00 email', '{"weight_function": "public.definer"}')$$, 'RA003', 'rule preview is not valid',
    'nor be previewed'
);

-- What goes wrong at run time.
SELECT is(
    attribution.weight_custom('public.spoilt', 1, 2, '1 h', jsonb_build_object('parameters', jsonb_build_object('how', h.how))), NULL,
    'no weight: ' || h.how
)
FROM unnest(ARRAY['error', 'nan', 'infinity', '-infinity', 'negative', 'null', 'huge']) AS h (how);
SELECT is(attribution.weight_custom('public.spoilt', 1, 2, '1 h', '{"parameters": {"how": "0.5"}}'), 0.5, 'a weight');

UPDATE attribution.tenants SET settings = settings || '{"max_retries": 2}' WHERE id = :'shop';
SELECT pg_temp.rule('mine', 'custom', '{"weight_function": "public.spoilt", "parameters": {"how": "one negative"}}'),
    pg_temp.touch('a', '10:00', 'email'), pg_temp.touch('b', '11:00', 'sms'), pg_temp.sale('s', '12:00', 1000) \g /dev/null
CREATE VIEW pg_temp.state AS
SELECT p.processing_status || ' ' || p.retry_count || ' ' || coalesce(split_part(p.last_error, E'\n', 1), '-') AS is
FROM attribution.event_processing AS p
WHERE p.event_id = pg_temp.id('s');
SELECT is(
    ARRAY[pg_temp.shares('s', 'mine'), pg_temp.shares('s', 'linear'), pg_temp.ledger('s')],
    ARRAY[NULL, '1 email 500, 2 sms 500', 'attribution email 500, attribution sms 500'], 'other rules have their shares, the book is posted'
);
SELECT is((SELECT s.is FROM pg_temp.state AS s), 'failed 1 RA003: a rule gives no shares: mine', 'the conversion says which rule failed');
SELECT is((SELECT changed FROM attribution.rebuild(:'shop')), 0::bigint, 'again: nothing changes');
SELECT is((SELECT s.is FROM pg_temp.state AS s), 'dead 2 RA003: a rule gives no shares: mine', 'after the last retry it is dead, the error kept');
SELECT is(
    (SELECT count(*) FROM attribution.verify(:'shop') AS v WHERE v.check_name = 'processing_dead' AND v.detail ~ 'mine'), 1::bigint, 'verify() tells'
);
CREATE OR REPLACE FUNCTION public.spoilt("position" int, n int, age interval, config jsonb) RETURNS float8 IMMUTABLE LANGUAGE sql RETURN 1;
SELECT attribution.rebuild(:'shop') \g /dev/null
SELECT is(
    ARRAY[(SELECT s.is FROM pg_temp.state AS s), pg_temp.shares('s', 'mine')], ARRAY['processed 0 -', '1 email 500, 2 sms 500'],
    'once the function is right, all is well'
);
ALTER FUNCTION public.spoilt(int, int, interval, jsonb) SECURITY DEFINER;
SELECT pg_temp.sale('s2', '12:00', 100) \g /dev/null
SELECT is(
    ARRAY[pg_temp.shares('s2', 'mine'), pg_temp.shares('s2', 'linear')], ARRAY[NULL, '1 email 50, 2 sms 50'],
    'a function that was altered since is not called'
);

SELECT * FROM finish();
ROLLBACK;
