-- authenticate() and rotate_api_key(): the key opens its tenant, its SHA-256 alone is stored, and a new key ends the old.
BEGIN;
SELECT plan(13);
SELECT tenant_id AS shop, api_key AS key FROM attribution.create_tenant('Shop', 'ops@shop.example') \gset
SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset

SELECT matches(:'key'::text, '^pga_[0-9a-f]{60}$', 'a key is pga_ and 60 hexadecimal digits');
SELECT is(attribution.authenticate(:'key'), :'shop'::uuid, 'authenticate() returns the tenant of the key');
SELECT is(attribution.current_tenant(), :'shop'::uuid, 'and puts it in context');
SELECT is(
    (SELECT api_key_hash FROM attribution.tenants WHERE id = :'shop'), sha256(convert_to(:'key', 'UTF8')),
    'the key''s SHA-256 is stored'
);
SELECT is_empty(
    format('SELECT id FROM attribution.tenants AS t WHERE strpos(t::text, %L) > 0', :'key'), 'the key itself is not'
);
SELECT throws_ok('SELECT attribution.authenticate(''pga_no'')', 'RA004', 'unknown API key', 'an unknown key is refused');
SELECT throws_ok('SELECT attribution.authenticate(NULL)', 'RA004', 'unknown API key', 'and so is null');
SELECT throws_ok(
    format('SELECT attribution.authenticate(%L)', upper(:'key')), 'RA004', 'unknown API key', 'keys are compared exactly'
);

SELECT attribution.rotate_api_key(:'shop') AS new_key \gset
SELECT isnt(:'new_key'::text, :'key'::text, 'rotate_api_key() makes another key');
SELECT is(attribution.authenticate(:'new_key'), :'shop'::uuid, 'which works');
SELECT throws_ok(format('SELECT attribution.authenticate(%L)', :'key'), 'RA004', 'unknown API key', 'and the old one does not');
SELECT throws_ok(
    'SELECT attribution.rotate_api_key(''00000000-0000-0000-0000-000000000000'')', 'RA004', 'unknown tenant',
    'an unknown tenant has no key to rotate'
);

SELECT attribution.bind_login(session_user, :'other');
SELECT throws_ok(
    format('SELECT attribution.authenticate(%L)', :'new_key'), 'RA009', 'this login may not work for that tenant',
    'another tenant''s key does not help a bound login'
);

SELECT * FROM finish();
ROLLBACK;
