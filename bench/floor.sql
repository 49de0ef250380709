-- The floor: schema `floor`, the engine's tables without the engine.
--
-- Each has the columns, defaults, checks, indexes, statistics and storage of the table of its name (LIKE … INCLUDING ALL),
-- and its foreign keys, pointing into `floor` where the engine's point at one of these tables. It has no trigger and no
-- row-level security. Copied from the catalog, so that a change of the engine's tables changes the floor with them.

CREATE SCHEMA floor;

DO $$
DECLARE
    v_tables constant text[] := ARRAY['attribution_events', 'attribution_allocations', 'ledger_batches', 'revenue_ledger'];
    v_table text;
    v_key record;
BEGIN
    FOREACH v_table IN ARRAY v_tables LOOP
        EXECUTE format('CREATE TABLE floor.%I (LIKE attribution.%1$I INCLUDING ALL)', v_table);
    END LOOP;
    FOR v_key IN
        SELECT c.conrelid::regclass AS table_name, r.relname AS source, pg_get_constraintdef(c.oid) AS definition, t.relname AS target
        FROM pg_constraint AS c
        JOIN pg_class AS r ON r.oid = c.conrelid
        JOIN pg_class AS t ON t.oid = c.confrelid
        WHERE c.contype = 'f' AND c.conparentid = 0 AND r.relnamespace = 'attribution'::regnamespace AND r.relname = ANY (v_tables)
        ORDER BY r.relname, c.conname
    LOOP
        EXECUTE format('ALTER TABLE floor.%I ADD %s', v_key.source, CASE
            WHEN v_key.target = ANY (v_tables)
                THEN replace(v_key.definition, 'REFERENCES attribution.' || v_key.target, 'REFERENCES floor.' || v_key.target)
            ELSE v_key.definition
        END);
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA floor TO bench_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA floor TO bench_app;
