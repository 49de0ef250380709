-- ledger_line_hash(): no two different lines share a hash, and one line has one hash wherever it is computed.
BEGIN;
SELECT plan(10);

-- The hash of a line, given the fields that are not null.
CREATE FUNCTION pg_temp.hash(p_line jsonb) RETURNS bytea LANGUAGE sql AS $$
    SELECT attribution.ledger_line_hash(jsonb_populate_record(NULL::attribution.revenue_ledger, p_line))
$$;

SELECT is(
    pg_temp.hash('{"tenant_id": "00000000-0000-0000-0000-000000000001", "transaction_id": "T,1", "campaign_id": "", "amount_cents": -5,
        "currency": "USD", "fx_rate_used": 1, "posted_at": "1970-01-01T00:00:01.000001Z"}'),
    sha256(convert_to(
        '36:00000000-0000-0000-0000-000000000001,-,3:T,1,-,-,-,-,-,-,-,0:,-,2:-5,3:USD,-,1:1,-,-,-,-,-,-,7:1000001', 'UTF8'
    )),
    'SHA-256 of its fields: each is its length in bytes, a colon and its text; an absent one a dash; times microseconds since 1970'
);
SELECT is(
    pg_temp.hash('{}'), sha256(convert_to(array_to_string(array_fill('-'::text, ARRAY[23]), ','), 'UTF8')), 'a line of nothing is 23 dashes'
);
SELECT isnt(pg_temp.hash('{"campaign_id": ""}'), pg_temp.hash('{}'), 'an empty text is not an absent one');
SELECT isnt(pg_temp.hash('{"campaign_id": "-"}'), pg_temp.hash('{}'), 'nor is a dash');
SELECT isnt(pg_temp.hash('{"campaign_id": "a"}'), pg_temp.hash('{"partner_id": "a"}'), 'a text in one field is not the same in the next');
SELECT isnt(
    pg_temp.hash('{"campaign_id": "a,1:b"}'), pg_temp.hash('{"campaign_id": "a", "partner_id": "b"}'),
    'a delimiter in a text does not start a field'
);
SELECT is(
    (SELECT count(DISTINCT pg_temp.hash(jsonb_strip_nulls(jsonb_build_object('channel_code', a, 'campaign_id', b, 'partner_id', c))))
    FROM unnest(ARRAY[NULL, '', '-', ',', ':', '0:', '-,-', '1:-', ',1:a', 'é']) AS a,
        unnest(ARRAY[NULL, '', '-', ',', ':', '0:', '-,-', '1:-', ',1:a', 'é']) AS b,
        unnest(ARRAY[NULL, '', '-', ',', ':', '0:', '-,-', '1:-', ',1:a', 'é']) AS c),
    1000::bigint, 'a thousand lines of dashes, commas, colons and lengths have a thousand hashes'
);
SELECT is_empty(
    $$SELECT a.attname
    FROM pg_attribute AS a
    WHERE a.attrelid = 'attribution.revenue_ledger'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'batch_id'
        AND pg_temp.hash(jsonb_build_object(a.attname, CASE
            WHEN a.atttypid = 'uuid'::regtype THEN '"00000000-0000-0000-0000-000000000001"'
            WHEN a.atttypid = 'timestamptz'::regtype THEN '"2024-03-01T00:00:00Z"'
            ELSE '1' END::jsonb)) = pg_temp.hash('{}')$$,
    'every column of a line counts, but the batch that lists it'
);
CREATE TEMP TABLE here AS SELECT pg_temp.hash('{"posted_at": "2024-03-31T01:30:00.123456Z", "fx_rate_used": 1.10, "audit_trail": {"b": 1, "a": 2}}') AS hash;
SET LOCAL TimeZone = 'Asia/Kathmandu';
SET LOCAL DateStyle = 'German';
SET LOCAL extra_float_digits = 0;
SELECT is(
    pg_temp.hash('{"posted_at": "2024-03-31T01:30:00.123456Z", "fx_rate_used": 1.10, "audit_trail": {"a": 2, "b": 1}}'),
    (SELECT hash FROM here), 'no setting of a session changes it'
);
SELECT isnt(
    pg_temp.hash('{"posted_at": "2024-03-31T01:30:00.123456Z"}'), pg_temp.hash('{"posted_at": "2024-03-31T01:30:00.123457Z"}'),
    'a microsecond does'
);

SELECT * FROM finish();
ROLLBACK;
