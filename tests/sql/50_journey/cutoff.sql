-- cutoff: the journey ends at the sale, at its first event of a kind, or never; a late milestone restates.
BEGIN;
SELECT plan(27);
\ir ../shop.psql
\ir events.psql
CREATE FUNCTION public.an_hour("position" int, n int, age interval, config jsonb) RETURNS float8 IMMUTABLE LANGUAGE sql
RETURN CASE age WHEN interval '1 hour' THEN 1 ELSE 0 END;
SELECT pg_temp.rule('age', 'custom', '{"cutoff": "first_booked", "weight_function": "public.an_hour"}'), pg_temp.rule('conversion', 'linear', '{"cutoff": "conversion"}'),
    pg_temp.rule('contact', 'linear', '{"cutoff": "first_contact", "lookback": "1 hour"}'),
    pg_temp.rule('booked', 'linear', '{"cutoff": "first_booked"}'), pg_temp.rule('booked 1h', 'linear', '{"cutoff": "first_booked", "lookback": "1 hour"}'),
    pg_temp.rule('attended', 'linear', '{"cutoff": "first_attended"}'), pg_temp.rule('paid', 'linear', '{"cutoff": "first_paid"}'),
    pg_temp.rule('decay', 'time_decay', '{"cutoff": "first_booked", "half_life": "1 hour"}'),
    pg_temp.rule('contact decay', 'time_decay', '{"cutoff": "first_contact", "half_life": "1 hour"}') \g /dev/null

SELECT pg_temp.event('booked', 'appointment_booked', '09:00'), pg_temp.event('booked again', 'appointment_booked', '10:30'),
    pg_temp.event('attended', 'appointment_attended', '10:00'), pg_temp.event('contact', 'contact', '07:00'),
    pg_temp.touch('old', '2024-02-20 08:00+00', 'email'), pg_temp.touch('a', '08:00', 'email'), pg_temp.touch('b', '10:00', 'sms'),
    pg_temp.touch('c', '11:00', 'direct'), pg_temp.touch('d', '13:00', 'phone'), pg_temp.sale('first', '10:30', 600), pg_temp.sale('s', '12:00', 1200) \g /dev/null

SELECT is(pg_temp.credited('s', 'conversion'), 'old 300, a 300, b 300, c 300', 'conversion: touches up to the sale');
SELECT is(pg_temp.credited('s', 'contact'), 'old 240, a 240, b 240, c 240, d 240', 'first_contact: all touches, after the sale too, however old');
SELECT is(pg_temp.credited('s', 'booked'), 'old 600, a 600', 'first_booked: up to the first booking');
SELECT is(pg_temp.credited('s', 'attended'), 'old 400, a 400, b 400', 'first_attended: up to it, its own microsecond counts');
SELECT is(pg_temp.credited('s', 'paid'), 'old 400, a 400, b 400', 'first_paid: up to the journey''s first conversion');
SELECT is(pg_temp.credited('first', 'paid'), 'old 200, a 200, b 200', 'of which the first is itself one');
SELECT is(pg_temp.credited('s', 'booked 1h'), 'a 1200', 'lookback counts from the cutoff: exactly an hour before the booking');
SELECT is(pg_temp.credited('s', 'decay'), 'old 0, a 1200', 'time_decay: ten days before the last touch is too old for a cent');
SELECT is(pg_temp.credited('s', 'age'), 'a 1200', 'and so does the age that a function sees: an hour, not four');
SELECT is(
    pg_temp.credited('s', 'contact decay'), 'old 0, a 27, b 107, c 213, d 853',
    'first_contact: the later the heavier, after the sale too: 1/32, 1/8, 1/4, 1 of 1.40625, and next to nothing for the oldest'
);

-- Without such an event, at the sale; one after the sale is too late.
SELECT pg_temp.touch('e', '08:00', 'email', 2), pg_temp.touch('f', '11:00', 'sms', 2), pg_temp.event('later', 'appointment_booked', '12:00:00.000001', 2),
    pg_temp.sale('s2', '12:00', 1000, 'USD', 2) \g /dev/null
SELECT is(pg_temp.credited('s2', 'booked'), 'e 500, f 500', 'a booking after the sale does not cut');
SELECT is(pg_temp.credited('s2', 'attended'), 'e 500, f 500', 'nor one that never was');
SELECT is(pg_temp.credited('s2', 'paid'), 'e 500, f 500', 'the only payment is the sale');
SELECT pg_temp.event('elsewhere', 'appointment_booked', '09:00', 3) \g /dev/null
SELECT is(pg_temp.credited('s2', 'booked'), 'e 500, f 500', 'nor one of another session');

-- To the microsecond, and with nothing before it.
SELECT pg_temp.event('b4', 'appointment_booked', '09:00', 4), pg_temp.touch('g', '09:00:00.000001', 'email', 4), pg_temp.sale('s4', '12:00', 1000, 'USD', 4) \g /dev/null
SELECT is(pg_temp.credited('s4', 'booked'), '- 1000', 'a touch a microsecond after the booking does not count: unattributed');
SELECT is(pg_temp.credited('s4', 'attended'), 'g 1000', 'but does where nothing cuts');

-- What arrives late restates what it touches, and a rebuild finds nothing left to do.
CALL attribution.run_pending();
SELECT is((SELECT changed FROM attribution.rebuild(:'shop')), 0::bigint, 'run_pending() has left nothing for rebuild()');
SELECT pg_temp.event('late', 'appointment_booked', '09:00', 2) \g /dev/null
CALL attribution.run_pending();
SELECT is(pg_temp.credited('s2', 'booked'), 'e 1000', 'a late booking');
SELECT pg_temp.event('later still', 'appointment_booked', '08:30', 2) \g /dev/null
SELECT pg_temp.event('earlier', 'appointment_attended', '07:00', 2) \g /dev/null
CALL attribution.run_pending();
SELECT is(pg_temp.credited('s2', 'attended'), '- 1000', 'a late attendance before every touch');
SELECT pg_temp.sale('before', '09:30', 10, 'USD', 2) \g /dev/null
CALL attribution.run_pending();
SELECT is(pg_temp.credited('s2', 'paid'), 'e 1000', 'a late payment before the sale');
SELECT pg_temp.touch('h', '14:00', 'organic', 2) \g /dev/null
CALL attribution.run_pending();
SELECT is(pg_temp.credited('s2', 'contact'), 'e 334, f 333, h 333', 'a touch after the sale');
SELECT is(pg_temp.credited('before', 'contact'), 'e 4, f 3, h 3', 'counts for every sale of the session');
SELECT is((SELECT changed FROM attribution.rebuild(:'shop')), 0::bigint, 'a rebuild changes nothing');
SELECT is_empty(format('SELECT check_name, detail FROM attribution.verify(%L)', :'shop'), 'and verify() finds nothing wrong');

-- Milestones of shaped models arrive late too.
SELECT pg_temp.rule('w', 'w_shaped'), pg_temp.touch('k', '08:00', 'email', 6), pg_temp.touch('l', '09:00', 'sms', 6), pg_temp.touch('m', '10:00', 'direct', 6),
    pg_temp.sale('s6', '12:00', 1000, 'USD', 6), pg_temp.event('lead', 'lead_created', '09:30', 6), pg_temp.event('opp', 'opportunity_created', '10:00', 6) \g /dev/null
SELECT is(pg_temp.credited('s6', 'w'), 'k 750, l 125, m 125', 'without milestones');
CALL attribution.run_pending();
SELECT is(pg_temp.credited('s6', 'w'), 'k 334, l 333, m 333', 'with both, after they came');
SELECT pg_temp.touch('n', '08:00', 'email', 7), pg_temp.touch('o', '09:00', 'sms', 7), pg_temp.touch('q', '10:00', 'direct', 7),
    pg_temp.event('lead after', 'lead_created', '12:00:00.000001', 7), pg_temp.sale('s7', '12:00', 1000, 'USD', 7) \g /dev/null
SELECT is(pg_temp.credited('s7', 'w'), 'n 750, o 125, q 125', 'a milestone after the sale is not its journey''s');

SELECT * FROM finish();
ROLLBACK;
