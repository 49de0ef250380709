-- create_tenant() and list_tenants(): a tenant with its starting rules; what is malformed is refused by name.
BEGIN;
SELECT plan(15);
SELECT tenant_id AS shop FROM attribution.create_tenant(
    'Shop', 'ops@shop.example', 'EUR', 'Europe/Berlin', '{"mode": "deferred", "max_future": "1 hour"}'
) \gset

SELECT results_eq(
    format('SELECT name, notification_email, reporting_currency, time_zone, settings FROM attribution.tenants WHERE id = %L', :'shop'),
    $$VALUES ('Shop', 'ops@shop.example', 'EUR'::text COLLATE "C", 'Europe/Berlin', '{"mode": "deferred", "max_future": "1 hour"}'::jsonb)$$,
    'the tenant is as it was given'
);
SELECT results_eq(
    format('SELECT name, version, model_type, config, is_book, status FROM attribution.attribution_rules WHERE tenant_id = %L ORDER BY id', :'shop'),
    $$VALUES ('position_based_30d', 1, 'position_based'::text COLLATE "C", '{"lookback": "30 days"}'::jsonb, true, 'active'::text COLLATE "C"),
        ('last_touch', 1, 'last_touch', '{"lookback": "30 days"}', false, 'active'),
        ('linear', 1, 'linear', '{"lookback": "30 days"}', false, 'active')$$,
    'it starts with an active book rule and two shadow rules'
);
SELECT tenant_id AS plain FROM attribution.create_tenant('Plain', 'ops@plain.example') \gset
SELECT results_eq(
    format('SELECT reporting_currency, time_zone, settings FROM attribution.tenants WHERE id = %L', :'plain'),
    $$VALUES ('USD'::text COLLATE "C", 'UTC', '{}'::jsonb)$$,
    'US dollars, UTC and no settings are the defaults'
);

SELECT throws_ok($$SELECT attribution.create_tenant('A', 'a@b', 'usd')$$, '23503', NULL, 'an unknown currency is refused');
SELECT throws_ok($$SELECT attribution.create_tenant('A', 'a@b', 'USD', 'Mars/Base')$$, '22023', NULL, 'and an unknown time zone');
SELECT throws_ok($$SELECT attribution.create_tenant(' A', 'a@b')$$, '23514', NULL, 'and a padded name');
SELECT throws_ok($$SELECT attribution.create_tenant('', 'a@b')$$, '23514', NULL, 'and an empty one');
SELECT throws_ok($$SELECT attribution.create_tenant('A', 'nobody')$$, '23514', NULL, 'and what is no e-mail address');
SELECT throws_ok($$SELECT attribution.create_tenant('A', NULL)$$, '23502', NULL, 'and none');
SELECT throws_ok(
    $$SELECT attribution.create_tenant('A', 'a@b', p_settings => '{"mode": "lazy"}')$$, '23514', NULL, 'and an unknown mode'
);
SELECT throws_ok(
    $$SELECT attribution.create_tenant('A', 'a@b', p_settings => '[]')$$, '23514', NULL, 'and settings that are no object'
);
SELECT throws_ok(
    $$SELECT attribution.create_tenant('A', 'a@b', p_settings => '{"max_future": "-1 day"}')$$, '23514', NULL,
    'and a negative max_future'
);

SELECT results_eq(
    'SELECT name FROM attribution.list_tenants()', $$VALUES ('Shop'), ('Plain')$$, 'list_tenants() shows all, oldest first'
);
SELECT attribution.bind_login(session_user, :'shop');
SELECT results_eq('SELECT name FROM attribution.list_tenants()', $$VALUES ('Shop')$$, 'and its own to a bound login');

SELECT attribution.set_tenant(:'shop') \g /dev/null
UPDATE attribution.tenants SET name = 'Shop 2', updated_at = '2000-01-01' WHERE id = :'shop';
SELECT cmp_ok(
    (SELECT updated_at FROM attribution.tenants WHERE id = :'shop'), '>=', now(), 'updated_at is kept true, whatever is sent'
);

SELECT * FROM finish();
ROLLBACK;
