-- bind_login() and login_permits(): a login or role belongs to one tenant at most, and cannot set itself free.
BEGIN;
SELECT plan(14);
SELECT tenant_id AS ours FROM attribution.create_tenant('Ours', 'ops@ours.example') \gset
SELECT tenant_id AS theirs FROM attribution.create_tenant('Theirs', 'ops@theirs.example') \gset
SELECT 'pgtap_' || replace(gen_random_uuid()::text, '-', '') AS login \gset
CREATE ROLE :"login" IN ROLE attribution_app;

SELECT throws_ok(
    format('SELECT attribution.bind_login(''no such login'', %L)', :'ours'), '42704', 'role "no such login" does not exist',
    'only an existing role can be bound'
);
SELECT throws_ok(
    format('SELECT attribution.bind_login(%L, %L)', :'login', gen_random_uuid()), 'RA004', 'unknown tenant',
    'only to an existing tenant'
);
SELECT ok(attribution.login_permits(:'ours') AND attribution.login_permits(NULL), 'an unbound login is permitted anything');
SELECT lives_ok(format('SELECT attribution.bind_login(%L, %L)', :'login', :'ours'), 'a role is bound');

SET LOCAL ROLE :"login";
SELECT ok(attribution.login_permits(:'ours'), 'the role is permitted its tenant');
SELECT ok(NOT attribution.login_permits(:'theirs'), 'no other');
SELECT ok(NOT attribution.login_permits(NULL), 'and nothing without a context');
RESET ROLE;

SELECT attribution.bind_login(:'login', :'theirs');
SELECT results_eq(
    format('SELECT tenant_id FROM attribution.tenant_logins WHERE role_name = %L', :'login'),
    format('VALUES (%L::uuid)', :'theirs'), 'binding again moves it: one tenant per login'
);
SELECT attribution.bind_login(:'login', NULL);
SELECT is_empty(
    format('SELECT 1 FROM attribution.tenant_logins WHERE role_name = %L', :'login'), 'null unbinds it'
);

SELECT attribution.bind_login(:'login', :'ours');
SELECT attribution.bind_login(session_user, :'ours');
SELECT throws_ok(
    format('SELECT attribution.bind_login(%L, %L)', :'login', :'theirs'), 'RA009', NULL,
    'a bound login binds nobody to another tenant'
);
SELECT throws_ok(
    'SELECT attribution.bind_login(session_user, NULL)', 'RA009', NULL, 'and does not set itself free'
);
SELECT throws_ok(
    format('SELECT attribution.bind_login(%L, NULL)', :'login'), 'RA009', NULL, 'nor another login of its tenant'
);
SET LOCAL ROLE :"login";
SELECT ok(NOT attribution.login_permits(:'theirs'), 'nothing of this has moved the role');
RESET ROLE;
DELETE FROM attribution.tenant_logins;
SELECT attribution.bind_login(:'login', :'theirs');
INSERT INTO attribution.tenant_logins (tenant_id, role_name) VALUES (:'ours', session_user);
SET LOCAL ROLE :"login";
SELECT ok(
    NOT attribution.login_permits(:'ours') AND NOT attribution.login_permits(:'theirs'),
    'a login bound to one tenant that takes a role bound to another is permitted neither'
);
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
