-- w_shaped and full_path: shares for the first touch, those that led to the milestones, and the last; the 10 for the others.
BEGIN;
SELECT plan(21);
\ir preview.psql
\set five '''a@07:00 email, b@08:00 sms, c@09:00 direct, d@10:00 phone, e@11:00 organic'''
\set three '''a@08:00 email, b@09:00 sms, c@10:00 direct'''
\set two '''a@08:00 email, b@09:00 sms'''

SELECT is(
    pg_temp.credit('w_shaped', :five, p_milestones => '{"lead_created": "08:30", "opportunity_created": "10:30"}'),
    'a 300, b 300, c 50, d 300, e 50', 'w_shaped: 30 to first, lead and opportunity, 10 shared by the two others'
);
SELECT is(
    pg_temp.credit('full_path', :five, p_milestones => '{"lead_created": "08:30", "opportunity_created": "10:30"}'),
    'a 225, b 225, c 100, d 225, e 225', 'full_path: 22.5 to first, lead, opportunity and last, 10 to the other'
);

-- Absent milestones renormalise.
SELECT is(
    pg_temp.credit('w_shaped', :five, p_milestones => '{"lead_created": "08:30"}'), 'a 428, b 428, c 48, d 48, e 48',
    'w_shaped without opportunity: 3/7 twice, and 1/7 over three: 428.571 428.571 47.619 47.619 47.619'
);
SELECT is(
    pg_temp.credit('w_shaped', :five, p_milestones => '{"opportunity_created": "08:30"}'), 'a 428, b 428, c 48, d 48, e 48',
    'w_shaped without lead: the same'
);
SELECT is(pg_temp.credit('w_shaped', :three), 'a 750, b 125, c 125', 'w_shaped without either: 30 and 10, that is 3/4 and 1/4 over two');
SELECT is(
    pg_temp.credit('full_path', :three), 'a 409, b 182, c 409', 'full_path without either: 22.5, 10, 22.5 of 55: 409.09 181.82 409.09'
);
SELECT is(
    pg_temp.credit('full_path', :five, p_milestones => '{"opportunity_created": "10:30"}'), 'a 290, b 65, c 65, d 290, e 290',
    'full_path without lead: 22.5 three times and 10 over two, of 77.5: 290.32 64.516 64.516 290.32 290.32'
);
SELECT is(
    pg_temp.credit('w_shaped', :three, p_milestones => '{"lead_created": "07:59:59.999999", "opportunity_created": "09:30"}'),
    'a 429, b 428, c 143', 'a milestone before every touch has none that led to it: 30, 30, 10 of 70'
);
SELECT is(
    pg_temp.credit('w_shaped', :three, p_milestones => '{"lead_created": "12:00:00.000001"}'), 'a 750, b 125, c 125',
    'a milestone after the sale is not the journey''s'
);
SELECT is(
    pg_temp.credit('w_shaped', :three, p_milestones => '{"contact": "09:00", "appointment_booked": "09:00"}'), 'a 750, b 125, c 125',
    'other milestones have no share'
);

-- At or before, to the microsecond; a place is the last touch up to it.
SELECT is(
    pg_temp.credit('w_shaped', :three, p_milestones => '{"lead_created": "09:00", "opportunity_created": "10:00"}'),
    'a 334, b 333, c 333', 'a touch in the milestone''s own microsecond led to it; no touch is left for the 10: thirds'
);
SELECT is(
    pg_temp.credit('w_shaped', :three, p_milestones => '{"lead_created": "08:59:59.999999", "opportunity_created": "10:00"}'),
    'a 600, b 100, c 300', 'one a microsecond later did not'
);

-- One touch in two places has both.
SELECT is(
    pg_temp.credit('w_shaped', :three, p_milestones => '{"lead_created": "08:30", "opportunity_created": "09:30"}'),
    'a 600, b 300, c 100', 'w_shaped: first and lead'
);
SELECT is(
    pg_temp.credit('w_shaped', :three, p_milestones => '{"lead_created": "09:10", "opportunity_created": "09:20"}'),
    'a 300, b 600, c 100', 'w_shaped: lead and opportunity'
);
SELECT is(
    pg_temp.credit('full_path', :three, p_milestones => '{"lead_created": "09:10", "opportunity_created": "10:20"}'),
    'a 250, b 250, c 500', 'full_path: opportunity and last; no touch is left for the 10: 22.5, 22.5, 45 of 90'
);
SELECT is(
    pg_temp.credit('w_shaped', :three, p_milestones => '{"lead_created": "08:01", "opportunity_created": "08:02"}'),
    'a 900, b 50, c 50', 'w_shaped: all three places'
);

-- No touch left for the 10.
SELECT is(
    pg_temp.credit('w_shaped', :two, p_milestones => '{"lead_created": "08:30", "opportunity_created": "09:30"}'), 'a 667, b 333',
    'w_shaped: 60 and 30 of 90'
);
SELECT is(pg_temp.credit('full_path', :two), 'a 500, b 500', 'full_path: first and last alone');
SELECT is(
    pg_temp.credit('w_shaped', 'a@08:00 email', p_milestones => '{"lead_created": "09:00"}') || '; ' || pg_temp.credit('full_path', 'a@08:00 email'),
    'a 1000; a 1000', 'one touch takes all'
);
SELECT is(pg_temp.credit('w_shaped', '') || '; ' || pg_temp.credit('full_path', ''), '- 1000; - 1000', 'none: unattributed');

SELECT is(
    attribution.other_touches(5, 2, 4, false) || ' ' || attribution.other_touches(5, 2, 4, true) || ' '
    || attribution.other_touches(3, 1, 1, true) || ' ' || attribution.other_touches(1, 1, 1, true),
    '2 1 1 0', 'other_touches() counts the touches without a place'
);

SELECT * FROM finish();
ROLLBACK;
