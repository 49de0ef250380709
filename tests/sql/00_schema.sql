-- The schema as a whole: what every table, view and function of it must have, whatever is added later.
BEGIN;
SELECT plan(20);

SELECT tables_are('attribution', ARRAY[
    'alembic_version', 'allocation_overrides', 'attribution_allocations', 'attribution_events', 'attribution_rules',
    'channel_aliases', 'channel_days', 'channel_taxonomy', 'conversion_paths', 'currencies', 'dead_events', 'event_keys',
    'event_processing', 'event_types', 'fx_rates', 'import_sources', 'ledger_batches', 'ledger_days', 'ledger_seals',
    'migration_waivers', 'partner_totals', 'reconciliation_runs', 'reported_revenue', 'revenue_ledger', 'revenue_state_moves',
    'revenue_state_transitions', 'revenue_verifications', 'summary_states', 'tenant_erasures', 'tenant_logins', 'tenants',
    'unfolded_changes', 'work_queue'
], 'the tables are those that the documentation lists');

SELECT views_are('attribution', ARRAY[
    'allocation_summary', 'channel_performance', 'daily_revenue_summary', 'journey_paths', 'ledger_balances',
    'model_comparison', 'partner_leaderboard', 'pipeline_health', 'platform_overclaim', 'realtime_revenue', 'reconciliation_differences',
    'reconciliation_status', 'revenue_transactions', 'trial_balance', 'unconverted_lines'
], 'the views are those that the documentation lists');

-- Tenant tables: those with a tenant_id, and tenants itself. New ones are covered from their first day.
CREATE TEMP VIEW tenant_tables AS
SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity
FROM pg_class AS c
WHERE c.relnamespace = 'attribution'::regnamespace
    AND c.relkind IN ('r', 'p')
    AND (c.relname = 'tenants'
        OR EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'));

CREATE TEMP VIEW routines AS
SELECT p.*, p.oid::regprocedure AS signature
FROM pg_proc AS p
WHERE p.pronamespace = 'attribution'::regnamespace;

SELECT cmp_ok((SELECT count(*) FROM tenant_tables), '>=', 11::bigint, 'the tenant tables are found');
SELECT cmp_ok((SELECT count(*) FROM routines), '>=', 30::bigint, 'the functions are found');

SELECT is_empty(
    'SELECT relname FROM tenant_tables WHERE NOT relrowsecurity OR NOT relforcerowsecurity',
    'row-level security is enabled and forced on every tenant table'
);
SELECT is_empty(
    $$SELECT t.relname, policy.name
    FROM tenant_tables AS t
    CROSS JOIN (VALUES ('tenant_isolation', true), ('bound_login', false)) AS policy (name, is_permissive)
    WHERE NOT EXISTS (
        SELECT FROM pg_policy AS p
        WHERE p.polrelid = t.oid AND p.polname = policy.name AND p.polpermissive = policy.is_permissive
    )$$,
    'every tenant table has the permissive policy tenant_isolation and the restrictive bound_login'
);
SELECT is_empty(
    $$SELECT p.polrelid::regclass, p.polname
    FROM pg_policy AS p
    INNER JOIN tenant_tables AS t ON t.oid = p.polrelid
    WHERE coalesce(p.polqual::text, '') || coalesce(p.polwithcheck::text, '') LIKE '%SUBLINK%'$$,
    'no policy has a sub-select'
);
SELECT is_empty(
    $$SELECT a.attrelid::regclass
    FROM pg_attribute AS a
    INNER JOIN tenant_tables AS t ON t.oid = a.attrelid
    WHERE a.attname = 'tenant_id' AND (NOT a.attnotnull OR a.atttypid <> 'uuid'::regtype)
        AND t.relname <> 'channel_aliases'$$,
    'tenant_id is a uuid and never null'
);
SELECT is_empty(
    $$SELECT i.indexrelid::regclass
    FROM pg_index AS i
    INNER JOIN tenant_tables AS t ON t.oid = i.indrelid
    INNER JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indisunique AND t.relname <> 'tenants' AND a.attname <> 'tenant_id'$$,
    'every unique key of a tenant table starts with tenant_id'
);
SELECT is_empty(
    $$SELECT k.conrelid::regclass, k.conname
    FROM pg_constraint AS k
    INNER JOIN tenant_tables AS t ON t.oid = k.conrelid
    INNER JOIN tenant_tables AS referenced ON referenced.oid = k.confrelid AND referenced.relname <> 'tenants'
    INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    WHERE k.contype = 'f' AND a.attname <> 'tenant_id'$$,
    'every foreign key between tenant tables starts with tenant_id'
);
SELECT is_empty(
    $$SELECT k.conrelid::regclass, k.conname
    FROM pg_constraint AS k
    INNER JOIN tenant_tables AS t ON t.oid = k.conrelid
    WHERE k.contype = 'f'
        AND CASE WHEN k.confrelid = 'attribution.tenants'::regclass THEN k.confdeltype <> 'c'
            ELSE k.confdeltype NOT IN ('r', 'a') END$$,
    'foreign keys to tenants cascade, all others refuse'
);

SELECT is_empty(
    $$SELECT c.oid::regclass, a.attname
    FROM pg_class AS c
    INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum >= 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
        AND c.relname <> 'alembic_version'
        AND col_description(c.oid, a.attnum) IS NULL$$,
    'every column of every table and view has a comment'
);
SELECT is_empty(
    $$SELECT oid::regclass
    FROM pg_class
    WHERE relnamespace = 'attribution'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
        AND relname <> 'alembic_version'
        AND obj_description(oid, 'pg_class') IS NULL$$,
    'every table and view has a comment'
);
SELECT is_empty(
    'SELECT signature FROM routines WHERE obj_description(oid, ''pg_proc'') IS NULL',
    'every function has a comment'
);

SELECT is_empty(
    $$SELECT signature FROM routines
    WHERE EXISTS (
        SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) AS acl WHERE acl.grantee = 0
    )$$,
    'no function is executable by PUBLIC'
);
SELECT is_empty(
    $$SELECT c.oid::regclass
    FROM pg_class AS c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS acl
    WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
        AND (acl.grantee = 0
            OR acl.grantee <> c.relowner AND acl.privilege_type IN ('TRIGGER', 'TRUNCATE', 'REFERENCES', 'MAINTAIN'))$$,
    'PUBLIC may nothing, and nobody but the owner may TRIGGER, TRUNCATE, REFERENCES or MAINTAIN'
);
SELECT is_empty(
    $$SELECT signature, proconfig FROM routines
    WHERE prosecdef AND NOT coalesce(proconfig, '{}')
        && ARRAY['search_path=attribution, pg_temp', 'search_path=pg_catalog, pg_temp', 'search_path=""']$$,
    'every SECURITY DEFINER function pins its search_path'
);
SELECT is_empty(
    'SELECT signature, proowner::regrole FROM routines WHERE prosecdef AND proowner <> ''attribution_engine''::regrole',
    'every SECURITY DEFINER function belongs to attribution_engine, never to a superuser'
);
SELECT is_empty(
    'SELECT proname FROM routines GROUP BY proname HAVING count(*) > 1',
    'no function is overloaded'
);
SELECT is_empty(
    $$SELECT oid::regclass
    FROM pg_class
    WHERE relnamespace = 'attribution'::regnamespace AND (relkind = 'm'
        OR relkind = 'v' AND NOT coalesce(reloptions, '{}') && ARRAY['security_invoker=true', 'security_invoker=on'])$$,
    'every view is security_invoker, and none is materialised: that would ignore row-level security'
);

SELECT * FROM finish();
ROLLBACK;
