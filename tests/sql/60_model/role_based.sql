-- role_based: a pool per partner_role, shared by its holders; absent roles renormalise, or go unattributed. weighted: the
-- touch's own weight.
BEGIN;
SELECT plan(16);
\ir preview.psql
\ir ../shop.psql
\set pools '''{"roles": {"sourced": 0.6, "influenced": 0.3, "assisted": 0.1}}'''
\set kept '''{"roles": {"sourced": 0.6, "influenced": 0.3, "assisted": 0.1}, "absent_roles": "unattributed"}'''
\set all_three '''a@08:00 partner role=sourced, b@09:00 partner role=influenced, c@10:00 partner role=assisted'''
\set two_roles '''a@08:00 partner role=sourced, b@09:00 partner role=influenced, c@10:00 partner role=influenced'''

SELECT is(pg_temp.credit('role_based', :all_three, :pools), 'a 600, b 300, c 100', 'each role''s pool');
SELECT is(pg_temp.credit('role_based', :all_three, :kept), 'a 600, b 300, c 100', 'nothing is left when every role is there');
SELECT is(
    pg_temp.credit('role_based', :two_roles, :pools), 'a 667, b 167, c 166',
    'holders share a pool, an absent role renormalises: 60, 15, 15 of 90'
);
SELECT is(pg_temp.credit('role_based', :two_roles, :kept), 'a 600, b 150, c 150, - 100', 'or goes unattributed');
SELECT is(
    pg_temp.credit('role_based', 'a@08:00 partner role=sourced, b@09:00 email, c@10:00 partner role=Sourced', :pools), 'a 1000, b 0, c 0',
    'a touch without a role, or with one that has no pool, earns nothing; names match exactly'
);
SELECT is(
    pg_temp.credit('role_based', 'a@08:00 partner role=sourced, b@09:00 email, c@10:00 partner role=other', :kept), 'a 600, b 0, c 0, - 400',
    'nor where absent roles go unattributed'
);
SELECT is(
    pg_temp.credit('role_based', 'b@09:00 email', :pools) || '; ' || pg_temp.credit('role_based', 'b@09:00 email', :kept),
    'b 0, - 1000; b 0, - 1000', 'no role at all: unattributed either way'
);
SELECT is(
    pg_temp.credit('role_based', 'a@08:00 partner role=x, b@09:00 partner role=x, c@10:00 partner role=x', '{"roles": {"x": 1}, "absent_roles": "unattributed"}'),
    'a 334, b 333, c 333', 'thirds of a pool are the whole of it: nothing is left over'
);
SELECT is(
    pg_temp.credit('role_based', :all_three, '{"roles": {"sourced": 2, "influenced": 1, "assisted": 1}}'), 'a 500, b 250, c 250',
    'pools need not sum to 1'
);

INSERT INTO attribution.attribution_events (event_type, session_id, occurred_at, idempotency_key, channel, partner_id, partner_role, weight)
VALUES
('partner_touch', lpad('1', 32, '0')::uuid, pg_temp.at('08:00'), 'a', 'partner', 'acme', 'sourced', 1),
('partner_touch', lpad('1', 32, '0')::uuid, pg_temp.at('09:00'), 'b', 'partner', 'bolt', 'influenced', 3);
SELECT pg_temp.rule('roles', 'role_based', :kept), pg_temp.rule('weights', 'weighted'), pg_temp.sale('s', '12:00', 1000) \g /dev/null
SELECT is(pg_temp.shares('s', 'roles'), '0 unattributed 100, 1 partner 600, 2 partner 300', 'a stored rule reads the events'' roles');
SELECT is(pg_temp.shares('s', 'weights'), '1 partner 250, 2 partner 750', 'and their weights');

SELECT is(
    pg_temp.credit('weighted', 'a@08:00 email weight=2, b@09:00 sms weight=3, c@10:00 direct'), 'a 400, b 600, c 0',
    'weighted: in proportion; a touch without a weight earns nothing'
);
SELECT is(pg_temp.credit('weighted', 'a@08:00 email weight=0.001, b@09:00 sms weight=0.003'), 'a 250, b 750', 'small ones too');
SELECT is(pg_temp.credit('weighted', 'a@08:00 email weight=1000000000000000, b@09:00 sms weight=0.000001'), 'a 1000, b 0', 'far apart');
SELECT is(
    pg_temp.credit('weighted', 'a@08:00 email, b@09:00 sms weight=0') || '; ' || pg_temp.credit('weighted', ''),
    'a 0, b 0, - 1000; - 1000', 'no weight at all: unattributed'
);
SELECT is(
    round(attribution.weight_role_based(0.6, 3), 3) || ' ' || attribution.weight_role_based(NULL, 3) || ' '
    || attribution.weight_weighted(1.5) || ' ' || attribution.weight_weighted(NULL), '0.200 0 1.5 0', 'weight_role_based(), weight_weighted()'
);

SELECT * FROM finish();
ROLLBACK;
