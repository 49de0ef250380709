-- uuid_v7(): RFC 9562, version 7, in the order of time.
BEGIN;
SELECT plan(6);
-- Of each row, the id is made before the time is read.
CREATE TEMP TABLE made AS
SELECT place, attribution.uuid_v7() AS id, clock_timestamp() AS made_at FROM generate_series(1, 10000) AS place;

SELECT is_empty(
    $$SELECT id FROM made WHERE id::text !~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'$$,
    'version 7, and the RFC''s variant'
);
SELECT is((SELECT count(DISTINCT id) FROM made), 10000::bigint, 'no two are alike');
SELECT is_empty(
    $$SELECT 1
    FROM made AS a
    JOIN made AS b ON b.place = a.place + 1 AND b.made_at > a.made_at
    JOIN made AS c ON c.place = a.place + 2
    WHERE c.id <= a.id$$,
    'what is made later sorts later'
);
SELECT is_empty(
    $$SELECT m.id
    FROM (
        SELECT id, ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint AS milliseconds, made_at,
            lag(made_at) OVER (ORDER BY place) AS made_before
        FROM made
    ) AS m
    WHERE m.milliseconds NOT BETWEEN floor(extract(epoch FROM coalesce(m.made_before, now())) * 1000)
        AND floor(extract(epoch FROM m.made_at) * 1000)$$,
    'the first 48 bits are milliseconds since 1970'
);
SELECT volatility_is('attribution', 'uuid_v7', 'volatile', 'each row gets its own');
SELECT is_empty(
    $$SELECT d.adrelid::regclass
    FROM pg_attrdef AS d
    JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attname = 'id'
    JOIN pg_class AS c ON c.oid = d.adrelid AND c.relnamespace = 'attribution'::regnamespace
    WHERE pg_get_expr(d.adbin, d.adrelid) NOT IN (
        CASE WHEN current_setting('server_version_num')::int >= 180000 THEN 'uuidv7()' ELSE 'attribution.uuid_v7()' END
    )$$,
    'every id defaults to one: to the server''s own on PostgreSQL 18'
);

SELECT * FROM finish();
ROLLBACK;
