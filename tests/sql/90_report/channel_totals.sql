-- channel_totals(): what each channel earns under each active rule, straight from the facts, for the tenant in context alone.
BEGIN;
SELECT plan(9);
\ir ../shop.psql
UPDATE attribution.tenants SET settings = '{"mode": "deferred"}' WHERE id = :'shop';
SELECT pg_temp.rule('decay', 'time_decay', '{"half_life": "1 hour"}'), pg_temp.rule('reset', 'linear', '{"on_repeat": "reset"}'),
    pg_temp.rule('first', 'first_touch') \g /dev/null
SELECT pg_temp.touch('a', '09:00', 'email'), pg_temp.touch('b', '10:00', 'organic'), pg_temp.touch('c', '11:00', 'email'),
    pg_temp.sale('one', '11:00', 100), pg_temp.sale('two', '13:00', 1), pg_temp.sale('alone', '14:00', 7, 'EUR', 2) \g /dev/null

CREATE FUNCTION pg_temp.totals(
    p_rule text, p_from timestamptz DEFAULT '-infinity', p_to timestamptz DEFAULT 'infinity'
) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(
        format('%s %s %s %s', t.channel_code, t.currency, t.conversions, t.revenue_cents), ', ' ORDER BY t.currency, t.channel_code
    )
    FROM attribution.channel_totals(attribution.current_tenant(), p_from, p_to) AS t
    WHERE t.rule_name = p_rule
$$;

SELECT is(
    pg_temp.totals('linear'), 'unattributed EUR 1.0000 7, email USD 1.3333 68, organic USD 0.6667 33',
    'by place: each sale is divided for itself, the cent left over to the earliest; what nobody earned is there'
);
SELECT is(
    pg_temp.totals('decay'), 'unattributed EUR 1.0000 7, email USD 1.4286 72, organic USD 0.5714 29', 'by age: 1, 2 and 4 parts of 7'
);
SELECT is(
    pg_temp.totals('reset'), 'unattributed EUR 1.0000 7, email USD 0.6667 67, organic USD 0.3333 33, unattributed USD 1.0000 1',
    'a rule with options of its own'
);
SELECT is(
    pg_temp.totals('first'), 'unattributed EUR 1.0000 7, email USD 2.0000 101', 'channels that earn nothing are left out'
);
SELECT is(pg_temp.totals('first', pg_temp.at('13:00')), 'unattributed EUR 1.0000 7, email USD 1.0000 1', 'p_from is in the period');
SELECT is(pg_temp.totals('first', p_to => pg_temp.at('13:00')), 'email USD 1.0000 100', 'p_to is not');
SELECT is(
    (SELECT count(*)::int FROM attribution.attribution_allocations AS a WHERE a.tenant_id = :'shop'), 0, 'nothing is stored'
);
SELECT is(
    (SELECT t.model_version FROM attribution.channel_totals(:'shop') AS t WHERE t.rule_name = 'decay' LIMIT 1), 'time_decay/1',
    'the rule says its model and version'
);

SELECT set_config('app.current_tenant_id', '', true), set_config('role', 'attribution_reader', true) \g /dev/null
SELECT is_empty(format('SELECT * FROM attribution.channel_totals(%L)', :'shop'), 'another tenant''s facts are not read');

SELECT * FROM finish();
ROLLBACK;
