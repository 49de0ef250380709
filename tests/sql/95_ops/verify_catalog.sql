-- verify_catalog(): every guard, policy and flag that is missing, disabled or changed is named.
BEGIN;
SELECT plan(21);
SELECT is_empty('SELECT * FROM attribution.verify_catalog()', 'nothing is missing at first');

-- Does p_statement, asks verify_catalog(), and undoes it.
CREATE FUNCTION pg_temp.found(p_statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_found text;
BEGIN
    <<try>>
    BEGIN
        EXECUTE p_statement;
        SELECT string_agg(v.check_name || ' ' || v.object, ', ' ORDER BY v.check_name, v.object) INTO v_found
        FROM attribution.verify_catalog() AS v;
        RAISE EXCEPTION USING ERRCODE = 'QQ000';
    EXCEPTION
        WHEN SQLSTATE 'QQ000' THEN NULL;
    END try;
    RETURN v_found;
END
$$;
CREATE TEMP VIEW expected AS SELECT table_name, trigger_name FROM attribution.expected_triggers();
CREATE TEMP VIEW tenant_tables AS
SELECT c.relname AS name FROM pg_class AS c
WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind = 'r' AND (c.relname = 'tenants' OR EXISTS (
    SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
));

SELECT is_empty(
    $$SELECT * FROM expected WHERE pg_temp.found(format('ALTER TABLE attribution.%I DISABLE TRIGGER %I', table_name, trigger_name))
        IS DISTINCT FROM format('guard_disabled %s.%s', table_name, trigger_name)$$, 'a disabled trigger, whichever it is'
);
SELECT is_empty(
    $$SELECT * FROM expected WHERE pg_temp.found(format('ALTER TABLE attribution.%I ENABLE TRIGGER %I', table_name, trigger_name))
        IS DISTINCT FROM format('guard_disabled %s.%s', table_name, trigger_name)$$, 'one that is not ENABLE ALWAYS'
);
SELECT is_empty(
    $$SELECT * FROM expected WHERE pg_temp.found(format('DROP TRIGGER %2$I ON attribution.%1$I', table_name, trigger_name))
        IS DISTINCT FROM format('guard_missing %s.%s', table_name, trigger_name)$$, 'one that is dropped'
);
SELECT is_empty(
    $$SELECT * FROM tenant_tables WHERE pg_temp.found(format('ALTER TABLE attribution.%I DISABLE ROW LEVEL SECURITY', name))
        IS DISTINCT FROM 'rls_disabled ' || name$$, 'row-level security disabled, on each tenant table'
);
SELECT is_empty(
    $$SELECT * FROM tenant_tables WHERE pg_temp.found(format('ALTER TABLE attribution.%I NO FORCE ROW LEVEL SECURITY', name))
        IS DISTINCT FROM 'rls_not_forced ' || name$$, 'or not forced'
);
SELECT is_empty(
    $$SELECT t.name, p.polname FROM tenant_tables AS t
    JOIN pg_policy AS p ON p.polrelid = ('attribution.' || t.name)::regclass
    WHERE pg_temp.found(format('DROP POLICY %I ON attribution.%I', p.polname, t.name))
        IS DISTINCT FROM format('policy_missing %s.%s', t.name, p.polname)$$, 'each policy dropped'
);
SELECT is_empty(
    $$SELECT t.name, p.polname FROM tenant_tables AS t
    JOIN pg_policy AS p ON p.polrelid = ('attribution.' || t.name)::regclass AND p.polname <> 'engine'
    WHERE pg_temp.found(format('ALTER POLICY %I ON attribution.%I USING (true)', p.polname, t.name))
        IS DISTINCT FROM format('policy_missing %s.%s', t.name, p.polname)$$, 'or opened'
);
SELECT is_empty(
    $$SELECT t.name, p.polname FROM tenant_tables AS t
    JOIN pg_policy AS p ON p.polrelid = ('attribution.' || t.name)::regclass
    WHERE pg_temp.found(format('ALTER POLICY %I ON attribution.%I TO attribution_app', p.polname, t.name))
        IS DISTINCT FROM format('policy_missing %s.%s', t.name, p.polname)$$, 'or given to another role'
);
SELECT is_empty(
    $$SELECT t.name FROM tenant_tables AS t
    WHERE pg_temp.found(format('CREATE POLICY mine ON attribution.%I USING (true)', t.name))
        IS DISTINCT FROM format('policy_unknown %s.mine', t.name)$$, 'a policy added to any'
);
SELECT is(
    pg_temp.found('DROP POLICY bound_login ON attribution.revenue_ledger;
        CREATE POLICY bound_login ON attribution.revenue_ledger USING (CASE WHEN current_user = ''attribution_engine'' THEN true
            ELSE attribution.login_permits(attribution.current_tenant()) END)'),
    'policy_missing revenue_ledger.bound_login', 'a restrictive policy made permissive'
);
SELECT is(
    pg_temp.found('DROP POLICY tenant_isolation ON attribution.revenue_ledger;
        CREATE POLICY tenant_isolation ON attribution.revenue_ledger FOR SELECT USING (tenant_id = attribution.current_tenant())'),
    'policy_missing revenue_ledger.tenant_isolation', 'a policy for one verb only'
);
SELECT is(
    pg_temp.found('CREATE RULE quiet AS ON INSERT TO attribution.revenue_ledger DO INSTEAD NOTHING'), 'rule_on_table revenue_ledger.quiet',
    'a rewrite rule'
);
CREATE FUNCTION attribution.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
SELECT is(
    pg_temp.found('CREATE TRIGGER a_first BEFORE INSERT ON attribution.revenue_ledger FOR EACH ROW EXECUTE FUNCTION attribution.nothing()'),
    'trigger_unknown revenue_ledger.a_first', 'a trigger that is not ours'
);
SELECT is(
    pg_temp.found('CREATE OR REPLACE TRIGGER revenue_ledger_append_only BEFORE UPDATE ON attribution.revenue_ledger FOR EACH STATEMENT
        EXECUTE FUNCTION attribution.nothing(); ALTER TABLE attribution.revenue_ledger ENABLE ALWAYS TRIGGER revenue_ledger_append_only'),
    'guard_replaced revenue_ledger.revenue_ledger_append_only', 'a guard that calls another function'
);
SELECT isnt(
    pg_temp.found('CREATE OR REPLACE TRIGGER revenue_ledger_append_only BEFORE UPDATE ON attribution.revenue_ledger FOR EACH STATEMENT
        EXECUTE FUNCTION attribution.forbid_mutation(); ALTER TABLE attribution.revenue_ledger ENABLE ALWAYS TRIGGER revenue_ledger_append_only'),
    NULL, 'a guard that no longer watches DELETE and TRUNCATE'
);
SELECT isnt(
    pg_temp.found('CREATE OR REPLACE TRIGGER revenue_ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON attribution.revenue_ledger
        FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION attribution.forbid_mutation();
        ALTER TABLE attribution.revenue_ledger ENABLE ALWAYS TRIGGER revenue_ledger_append_only'),
    NULL, 'a guard with a WHEN that never holds'
);
SELECT isnt(
    pg_temp.found('CREATE OR REPLACE TRIGGER attribution_allocations_append_only BEFORE UPDATE OF reason OR DELETE OR TRUNCATE
        ON attribution.attribution_allocations FOR EACH STATEMENT EXECUTE FUNCTION attribution.forbid_mutation();
        ALTER TABLE attribution.attribution_allocations ENABLE ALWAYS TRIGGER attribution_allocations_append_only'),
    NULL, 'a guard that watches fewer columns'
);
SELECT isnt(
    pg_temp.found('ALTER TABLE attribution.revenue_ledger DISABLE TRIGGER ALL'), NULL, 'foreign keys switched off'
);
SELECT isnt(
    pg_temp.found('ALTER ROLE attribution_app BYPASSRLS'), NULL, 'a role that bypasses row-level security'
);
SELECT isnt(
    pg_temp.found('ALTER VIEW attribution.channel_performance RESET (security_invoker)'), NULL, 'a view with its owner''s rights'
);

SELECT * FROM finish();
ROLLBACK;
