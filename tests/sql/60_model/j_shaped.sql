-- j_shaped and inverse_j: position_based with 20/20/60 and 60/20/20.
BEGIN;
SELECT plan(9);
\ir preview.psql
\set four '''a@08:00 email, b@09:00 sms, c@10:00 direct, d@11:00 phone'''
\set two '''a@08:00 email, b@09:00 sms'''

SELECT is(pg_temp.credit('j_shaped', 'a@08:00 email, b@09:00 sms, c@10:00 direct'), 'a 200, b 200, c 600', 'j_shaped: 20, 20, 60');
SELECT is(pg_temp.credit('inverse_j', 'a@08:00 email, b@09:00 sms, c@10:00 direct'), 'a 600, b 200, c 200', 'inverse_j: 60, 20, 20');
SELECT is(pg_temp.credit('j_shaped', :four), 'a 200, b 100, c 100, d 600', 'j_shaped: the middle shares its 20');
SELECT is(pg_temp.credit('inverse_j', :four), 'a 600, b 100, c 100, d 200', 'inverse_j too');
SELECT is(pg_temp.credit('j_shaped', :two) || '; ' || pg_temp.credit('inverse_j', :two), 'a 250, b 750; a 750, b 250', 'two touches, prorate');
SELECT is(
    pg_temp.credit('j_shaped', :two, '{"two_touch": "split_middle"}') || '; ' || pg_temp.credit('inverse_j', :two, '{"two_touch": "split_middle"}'),
    'a 300, b 700; a 700, b 300', 'split_middle: 20 + 10 and 60 + 10'
);
SELECT is(pg_temp.credit('j_shaped', :two, '{"two_touch": "equal"}'), 'a 500, b 500', 'equal');
SELECT is(pg_temp.credit('j_shaped', :four, '{"first": 0.3, "last": 0.3}'), 'a 300, b 200, c 200, d 300', 'the shares may be given');
SELECT is(
    pg_temp.credit('j_shaped', 'a@08:00 email') || '; ' || pg_temp.credit('inverse_j', ''), 'a 1000; - 1000', 'one takes all; none: unattributed'
);

SELECT * FROM finish();
ROLLBACK;
