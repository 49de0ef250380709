-- The guards: expected_triggers() is what stands on the tables, and no statement of owner or superuser passes it.
BEGIN;
SELECT plan(14);
\ir ../shop.psql
SELECT pg_temp.touch('t', '10:00'), pg_temp.touch('bad', '10:00', 'nowhere'), pg_temp.sale('s', '12:00', 100) \g /dev/null

SELECT results_eq(
    'SELECT table_name, trigger_name FROM attribution.expected_triggers() ORDER BY 1, 2',
    $$SELECT c.relname::text COLLATE "default", t.tgname::text COLLATE "default"
    FROM pg_trigger AS t
    JOIN pg_class AS c ON c.oid = t.tgrelid AND c.relnamespace = 'attribution'::regnamespace
    WHERE NOT t.tgisinternal
    ORDER BY 1, 2$$,
    'expected_triggers() lists the triggers of the schema, all of them and no other'
);
SELECT is_empty(
    $$SELECT t.tgrelid::regclass, t.tgname FROM pg_trigger AS t
    JOIN pg_class AS c ON c.oid = t.tgrelid AND c.relnamespace = 'attribution'::regnamespace
    WHERE NOT t.tgisinternal AND t.tgenabled <> 'A'$$,
    'each is ENABLE ALWAYS'
);
SELECT is_empty(
    $$SELECT p.oid::regprocedure
    FROM pg_proc AS p
    WHERE p.pronamespace = 'attribution'::regnamespace AND p.prorettype = 'trigger'::regtype
        AND NOT coalesce(p.proconfig::text, '') ~ 'search_path='$$,
    'each function of one pins its search_path, so that no now() or = of the caller''s is asked'
);
SELECT results_eq(
    $$SELECT a.attname::text COLLATE "default"
    FROM pg_trigger AS t
    CROSS JOIN LATERAL unnest(t.tgattr::int2[]) AS covered (attnum)
    JOIN pg_attribute AS a ON a.attrelid = t.tgrelid AND a.attnum = covered.attnum
    WHERE t.tgrelid = 'attribution.attribution_allocations'::regclass AND t.tgname = 'attribution_allocations_append_only'
    ORDER BY 1$$,
    $$SELECT attname::text COLLATE "default" FROM pg_attribute
    WHERE attrelid = 'attribution.attribution_allocations'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'superseded_at'
    ORDER BY 1$$,
    'the guard of allocations covers every column but superseded_at'
);

-- Every statement that is refused on each table, tried as owner and as superuser; column by column where it is an UPDATE.
CREATE FUNCTION pg_temp.passes() RETURNS TABLE (statement text, answer text) LANGUAGE plpgsql AS $$
BEGIN
    FOR statement IN
        SELECT format(v.form, c.relname, a.attname)
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        CROSS JOIN (VALUES
            ('UPDATE attribution.%I SET %2$I = %2$I'), ('DELETE FROM attribution.%I'), ('DELETE FROM attribution.%I WHERE %2$I IS NULL'),
            ('TRUNCATE attribution.%I CASCADE'), ('WITH d AS (DELETE FROM attribution.%I RETURNING 1) SELECT count(*) FROM d')
        ) AS v (form)
        WHERE c.relnamespace = 'attribution'::regnamespace
            AND (c.relname IN ('attribution_events', 'revenue_ledger', 'ledger_batches', 'migration_waivers', 'tenant_erasures')
                OR c.relname = 'attribution_allocations' AND NOT (v.form LIKE 'UPDATE%' AND a.attname = 'superseded_at')
                OR c.relname IN ('dead_events', 'event_processing', 'attribution_rules', 'tenants') AND v.form NOT LIKE 'UPDATE%')
        GROUP BY 1 ORDER BY 1
    LOOP
        <<try>>
        BEGIN
            EXECUTE statement;
            answer := 'passes';
            RETURN NEXT;
        EXCEPTION
            WHEN SQLSTATE 'RA001' THEN NULL;
            WHEN OTHERS THEN
                answer := SQLSTATE;
                RETURN NEXT;
        END try;
    END LOOP;
END
$$;
SELECT is_empty('SELECT * FROM pg_temp.passes()', 'a superuser changes, deletes and truncates nothing: RA001');
SET LOCAL session_replication_role = 'replica';
SELECT is_empty('SELECT * FROM pg_temp.passes()', 'nor with session_replication_role = replica');
SET LOCAL session_replication_role = 'origin';
SET LOCAL row_security = off;
SELECT is_empty('SELECT * FROM pg_temp.passes()', 'nor with row_security = off');
SET LOCAL row_security = on;
GRANT TEMPORARY ON DATABASE :"DBNAME" TO attribution_owner, attribution_engine;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
SET LOCAL ROLE attribution_owner;
SELECT is_empty('SELECT * FROM pg_temp.passes()', 'nor the owner');
RESET ROLE;
SET LOCAL ROLE attribution_engine;
SELECT is_empty(
    $$SELECT * FROM pg_temp.passes() WHERE answer <> '42501'$$, 'the engine is refused too, by a guard or for lack of the privilege'
);
RESET ROLE;

SELECT throws_ok(
    'UPDATE attribution.attribution_allocations SET superseded_at = NULL, allocated_revenue_cents = 0', 'RA001',
    'attribution_allocations is append-only: UPDATE refused', 'an amount cannot hide behind superseded_at'
);
SELECT lives_ok('UPDATE attribution.attribution_allocations SET superseded_at = ''2024-03-02''', 'an allocation may be marked superseded');
SELECT throws_ok(
    'UPDATE attribution.attribution_allocations SET superseded_at = NULL', 'RA001',
    'attribution_allocations is append-only: UPDATE refused', 'but not brought back'
);
SELECT throws_ok(
    'UPDATE attribution.attribution_allocations SET superseded_at = ''2024-03-03''', 'RA001',
    'attribution_allocations is append-only: UPDATE refused', 'nor marked again'
);
SELECT throws_ok(
    $$MERGE INTO attribution.revenue_ledger AS l USING attribution.revenue_ledger AS s ON l.id = s.id WHEN MATCHED THEN DELETE$$,
    'RA001', 'revenue_ledger is append-only: DELETE refused', 'MERGE is no way round'
);

SELECT * FROM finish();
ROLLBACK;
