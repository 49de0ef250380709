-- set_tenant() and current_tenant(): a context for one transaction, only for tenants that exist and that the login may use.
BEGIN;
SELECT plan(11);
SELECT tenant_id AS ours FROM attribution.create_tenant('Ours', 'ops@ours.example') \gset
SELECT tenant_id AS theirs FROM attribution.create_tenant('Theirs', 'ops@theirs.example') \gset

SELECT is(attribution.current_tenant(), NULL, 'there is no context at first');
SET LOCAL app.current_tenant_id = '';
SELECT is(attribution.current_tenant(), NULL, 'an empty setting, as SET LOCAL leaves it behind, is no context');
SET LOCAL app.current_tenant_id = 'shop';
SELECT throws_ok('SELECT attribution.current_tenant()', '22P02', NULL, 'a setting that is no uuid is an error');
SET LOCAL app.current_tenant_id = '';

SAVEPOINT before;
SELECT lives_ok(format('SELECT attribution.set_tenant(%L)', :'ours'), 'set_tenant() takes a tenant that exists');
SELECT is(attribution.current_tenant(), :'ours'::uuid, 'and puts it in context');
SELECT is(current_setting('app.current_tenant_id'), :'ours', 'in the setting that SET LOCAL would set');
ROLLBACK TO before;
SELECT is(attribution.current_tenant(), NULL, 'the context goes with its transaction');

SELECT throws_ok(
    'SELECT attribution.set_tenant(''00000000-0000-0000-0000-000000000000'')', 'RA004', 'unknown tenant',
    'an unknown tenant is refused'
);
SELECT throws_ok('SELECT attribution.set_tenant(NULL)', 'RA004', 'unknown tenant', 'and so is null');

SELECT attribution.bind_login(session_user, :'ours');
SELECT throws_ok(
    format('SELECT attribution.set_tenant(%L)', :'theirs'), 'RA009', 'this login may not work for that tenant',
    'a bound login is held to its tenant'
);
SELECT throws_ok(
    'SELECT attribution.set_tenant(''00000000-0000-0000-0000-000000000000'')', 'RA009',
    'this login may not work for that tenant', 'and cannot tell a tenant that exists from one that does not'
);

SELECT * FROM finish();
ROLLBACK;
