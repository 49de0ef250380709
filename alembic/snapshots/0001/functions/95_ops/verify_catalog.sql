-- verify_catalog(): is every guard that the guarantees rest on still in place?
--
-- Returns  one row per breach: check_name, object, detail; none when all stands
-- Reads    pg_catalog
--
-- Function bodies, grants and comments are compared with the shipped files by ctl verify and ctl sql check.

CREATE OR REPLACE FUNCTION attribution.verify_catalog()
RETURNS TABLE (check_name text, object text, detail text)
LANGUAGE sql
STABLE
AS $$
    WITH tables AS (
        SELECT c.oid, c.relname::text AS name, c.relrowsecurity, c.relforcerowsecurity, c.relname = 'tenants' OR EXISTS (
            SELECT FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        ) AS is_tenant
        FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind IN ('r', 'p')
    ),
    triggers AS (
        SELECT
            t.name AS table_name, g.tgname::text AS trigger_name, g.tgenabled, g.tgisinternal,
            CASE WHEN p.pronamespace = 'attribution'::regnamespace THEN p.proname ELSE p.oid::regproc::text END AS function_name
        FROM tables AS t
        JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = t.oid
        JOIN pg_catalog.pg_proc AS p ON p.oid = g.tgfoid
    ),
    policies AS (
        SELECT
            t.name AS table_name, p.polname::text AS name, p.polpermissive, p.polcmd, p.polroles,
            pg_get_expr(p.polqual, p.polrelid) AS qual, pg_get_expr(p.polwithcheck, p.polrelid) AS with_check
        FROM tables AS t
        JOIN pg_catalog.pg_policy AS p ON p.polrelid = t.oid
    )
    SELECT 'guard_missing', x.table_name || '.' || x.trigger_name, 'the trigger is not there'
    FROM attribution.expected_triggers() AS x
    WHERE NOT EXISTS (
        SELECT FROM triggers AS t WHERE t.table_name = x.table_name AND t.trigger_name = x.trigger_name
    )
    UNION ALL
    SELECT 'guard_disabled', t.table_name || '.' || t.trigger_name, CASE
        WHEN t.tgenabled = 'D' THEN 'the trigger is disabled'
        ELSE 'the trigger is not ENABLE ALWAYS: session_replication_role can skip it'
    END
    FROM triggers AS t
    LEFT JOIN attribution.expected_triggers() AS x USING (table_name, trigger_name)
    WHERE CASE WHEN x.trigger_name IS NULL THEN t.tgenabled = 'D' ELSE t.tgenabled <> 'A' END
    UNION ALL
    SELECT 'guard_replaced', t.table_name || '.' || t.trigger_name, 'the trigger calls ' || t.function_name
    FROM triggers AS t
    JOIN attribution.expected_triggers() AS x USING (table_name, trigger_name)
    WHERE t.function_name <> x.function_name
    UNION ALL
    SELECT 'trigger_unknown', t.table_name || '.' || t.trigger_name, 'a trigger that is not ours may change rows unseen'
    FROM triggers AS t
    WHERE NOT t.tgisinternal AND NOT EXISTS (
        SELECT FROM attribution.expected_triggers() AS x WHERE x.table_name = t.table_name AND x.trigger_name = t.trigger_name
    )
    UNION ALL
    SELECT 'rule_on_table', t.name || '.' || r.rulename, 'a rewrite rule may change or swallow statements unseen'
    FROM tables AS t
    JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = t.oid
    UNION ALL
    SELECT 'rls_disabled', t.name, 'row-level security is not enabled'
    FROM tables AS t
    WHERE t.is_tenant AND NOT t.relrowsecurity
    UNION ALL
    SELECT 'rls_not_forced', t.name, 'row-level security is not forced on the owner'
    FROM tables AS t
    WHERE t.is_tenant AND NOT t.relforcerowsecurity
    UNION ALL
    SELECT 'policy_missing', t.name || '.' || x.name, 'the policy is not there, or not as it was installed'
    FROM tables AS t
    CROSS JOIN (VALUES ('tenant_isolation'), ('bound_login'), ('engine')) AS x (name)
    WHERE t.is_tenant AND NOT EXISTS (
        SELECT
        FROM policies AS p
        WHERE p.table_name = t.name AND p.name = x.name AND p.polcmd = '*' AND CASE x.name
            WHEN 'tenant_isolation' THEN p.polpermissive AND p.polroles = ARRAY[0::oid]
                AND p.qual ~ '^\(+(tenant_id IS NULL\) OR \()?(tenant_id|id) = (attribution\.)?current_tenant\(\)\)+$'
                AND p.with_check ~ '^\((tenant_id|id) = (attribution\.)?current_tenant\(\)\)$'
            WHEN 'bound_login' THEN NOT p.polpermissive AND p.polroles = ARRAY[0::oid]
                AND regexp_replace(p.qual, '\s+|attribution\.|::name', '', 'g')
                    ~ '^CASEWHEN\(CURRENT_USER=''attribution_engine''\)THENtrueELSElogin_permits\(current_tenant\(\)\)END$'
                AND p.with_check IS NULL
            ELSE p.polpermissive AND p.polroles = ARRAY['attribution_engine'::regrole::oid]
        END
    )
    UNION ALL
    SELECT 'policy_unknown', p.table_name || '.' || p.name, 'a policy that is not ours may open the table'
    FROM policies AS p
    WHERE p.name NOT IN ('tenant_isolation', 'bound_login', 'engine')
$$;

ALTER FUNCTION attribution.verify_catalog() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.verify_catalog() IS
'Guards, row-level security and policies that are missing, disabled or not as installed: one row per breach.';

REVOKE ALL ON FUNCTION attribution.verify_catalog() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.verify_catalog() TO attribution_engine, attribution_admin;
