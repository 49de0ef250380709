-- parse_event(): JSON as a row, every column; what cannot be one, with its reason.
BEGIN;
SELECT plan(14);
\ir ../shop.psql

CREATE FUNCTION pg_temp.parsed(p_sent jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_strip_nulls(to_jsonb(p.event)) - ARRAY['tenant_id', 'occurred_at_known']
    FROM attribution.parse_event(p_sent) AS p
$$;
CREATE FUNCTION pg_temp.fault(p_sent jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s %s: %s', p.error_code, p.error_column, p.error_message) FROM attribution.parse_event(p_sent) AS p
$$;

SELECT is(
    pg_temp.parsed('{"id": "00000000-0000-0000-0000-00000000000a", "event_type": "purchase",
        "session_id": "000000000000000000000000000000ff", "occurred_at": "2024-03-01T12:00:00+02:00", "idempotency_key": "k",
        "external_event_id": "x", "correlation_id": "c", "channel": "email", "campaign_id": "spring", "partner_id": "p",
        "partner_role": "sourced", "weight": 1.5, "conversion_value_cents": 1999, "currency": "USD", "transaction_id": "t",
        "raw_payload": {"a": 1}}'),
    '{"id": "00000000-0000-0000-0000-00000000000a", "event_type": "purchase",
        "session_id": "00000000-0000-0000-0000-0000000000ff", "occurred_at": "2024-03-01T10:00:00+00:00", "idempotency_key": "k",
        "external_event_id": "x", "correlation_id": "c", "channel": "email", "campaign_id": "spring", "partner_id": "p",
        "partner_role": "sourced", "weight": 1.5, "conversion_value_cents": 1999, "currency": "USD", "transaction_id": "t",
        "raw_payload": {"a": 1}}'::jsonb, 'every column'
);
SELECT is(
    pg_temp.parsed('{"weight": "1.5", "conversion_value_cents": "1999", "occurred_at": "2024-03-01 12:00", "session_id": ""}'),
    '{"weight": 1.5, "conversion_value_cents": 1999, "occurred_at": "2024-03-01T12:00:00+00:00"}'::jsonb,
    'numbers may be texts, as CSV has them; a time without a zone is UTC; empty is left out'
);
SELECT is(
    pg_temp.parsed('{"event_type": "click", "utm_source": "x", "gclid": null, "raw_payload": {"a": 1}}') -> 'raw_payload',
    '{"a": 1, "utm_source": "x"}'::jsonb, 'other keys are added to the payload, so that nothing is lost'
);
SELECT is(
    ARRAY(
        SELECT pg_temp.parsed(e.sent) ->> 'idempotency_key'
        FROM jsonb_array_elements('[{"id": "00000000-0000-0000-0000-00000000000a"},
            {"id": "00000000-0000-0000-0000-00000000000a", "correlation_id": "c"},
            {"correlation_id": "c", "external_event_id": "x"},
            {"correlation_id": "c", "external_event_id": "x", "idempotency_key": "k"}]') AS e (sent)
    ), ARRAY['00000000-0000-0000-0000-00000000000a', 'c', 'x', 'k'], 'the key defaults as in a row'
);
SELECT is((SELECT (p.event).occurred_at_known FROM attribution.parse_event('{}') AS p), false, 'no time is not made up');
SELECT is(pg_temp.parsed('{}'), '{}'::jsonb, 'nothing is nothing');

SELECT is(pg_temp.fault('{"id": "7"}'), 'INVALID_VALUE id: id ''7'' is not a UUID', 'an id');
SELECT is(
    pg_temp.fault('{"session_id": "ann@shop.example"}'),
    'INVALID_VALUE session_id: session_id ''[e-mail address]'' is not a UUID', 'a session, masked'
);
SELECT is(
    pg_temp.fault('{"conversion_value_cents": 19.99}'),
    'INVALID_VALUE conversion_value_cents: conversion_value_cents ''19.99'' is not a number that it may be', 'part of a cent'
);
SELECT is(
    pg_temp.fault('{"conversion_value_cents": 9223372036854775808}'),
    'INVALID_VALUE conversion_value_cents: conversion_value_cents ''9223372036854775808'' is not a number that it may be',
    'more than a bigint'
);
SELECT is(
    pg_temp.fault('{"weight": "NaN"}'), 'INVALID_VALUE weight: weight ''NaN'' is not a number that it may be', 'NaN'
);
SELECT is(
    pg_temp.fault('{"occurred_at": "yesterday-ish"}'),
    'INVALID_TIMESTAMP occurred_at: occurred_at ''yesterday-ish'' is not a time', 'no time'
);
SELECT is(
    pg_temp.fault('{"occurred_at": 1709294400}'),
    'INVALID_TIMESTAMP occurred_at: occurred_at ''1709294400'' is not a time', 'a number is no time: seconds or milliseconds?'
);
SELECT is(
    pg_temp.fault('{"occurred_at": "2024-02-30T00:00:00Z"}'),
    'INVALID_TIMESTAMP occurred_at: occurred_at ''2024-02-30T00:00:00Z'' is not a time', 'a day that never was'
);

SELECT * FROM finish();
ROLLBACK;
