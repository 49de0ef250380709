-- verify_catalog(): is every guard that the guarantees rest on still in place?
--
-- Returns  one row per breach: check_name, object, detail; none when all stands
-- Reads    pg_catalog
--
-- The empty search_path makes PostgreSQL print every definition the same way, whoever asks.
--
-- Function bodies, grants and comments are compared with the shipped files by ctl verify and ctl sql check.

CREATE OR REPLACE FUNCTION attribution.verify_catalog()
RETURNS TABLE (check_name text, object text, detail text)
LANGUAGE sql
STABLE
SET search_path = ''
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
            pg_get_triggerdef(g.oid) AS definition
        FROM tables AS t
        JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = t.oid
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
    SELECT 'guard_replaced', t.table_name || '.' || t.trigger_name, 'the trigger is now: ' || t.definition
    FROM triggers AS t
    JOIN attribution.expected_triggers() AS x USING (table_name, trigger_name)
    WHERE t.definition <> x.definition
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
    CROSS JOIN (
        VALUES ('tenant_isolation', 'current_tenant'), ('bound_login', 'permitted_tenant'), ('engine', NULL)
    ) AS x (name, tenant)
    WHERE t.is_tenant AND NOT EXISTS (
        SELECT
        FROM policies AS p
        WHERE p.table_name = t.name AND p.name = x.name AND p.polcmd = '*' AND CASE x.name
            WHEN 'engine' THEN p.polpermissive AND p.polroles = ARRAY['attribution_engine'::regrole::oid]
            ELSE p.polpermissive = (x.name = 'tenant_isolation')
                AND p.polroles @> ARRAY[
                    'attribution_owner'::regrole::oid, 'attribution_app'::regrole::oid, 'attribution_reader'::regrole::oid,
                    'attribution_admin'::regrole::oid
                ] AND cardinality(p.polroles) = 4
                AND p.qual ~ format('^\(+(tenant_id IS NULL\) OR \()?(tenant_id|id) = (attribution\.)?%s\(\)\)+$', x.tenant)
                AND p.with_check ~ format('^\((tenant_id|id) = (attribution\.)?%s\(\)\)$', CASE
                    WHEN t.name = 'attribution_events' THEN 'current_tenant' ELSE x.tenant
                END)
        END
    )
    UNION ALL
    SELECT 'policy_unknown', p.table_name || '.' || p.name, 'a policy that is not ours may open the table'
    FROM policies AS p
    WHERE p.name NOT IN ('tenant_isolation', 'bound_login', 'engine')
    UNION ALL
    SELECT 'role_bypasses_rls', r.rolname::text, 'the role is superuser or has BYPASSRLS: policies do not hold it'
    FROM pg_catalog.pg_roles AS r
    WHERE r.rolname IN (
        'attribution_owner', 'attribution_engine', 'attribution_app', 'attribution_reader', 'attribution_admin'
    ) AND (r.rolsuper OR r.rolbypassrls)
    UNION ALL
    SELECT 'view_with_owner_rights', c.relname::text, 'the view is not security_invoker: its owner''s rights open the tables'
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind IN ('v', 'm')
        AND NOT coalesce(c.reloptions @> ARRAY['security_invoker=true'], false)
$$;

ALTER FUNCTION attribution.verify_catalog() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.verify_catalog() IS
'Guards, row-level security and policies that are missing, disabled or not as installed: one row per breach.';

REVOKE ALL ON FUNCTION attribution.verify_catalog() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.verify_catalog() TO attribution_engine, attribution_admin;
