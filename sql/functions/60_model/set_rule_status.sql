-- set_rule_status(p_tenant, p_name, p_version, p_status): activate or retire a rule.
--
-- p_version  the version; null: the newest
-- p_status   active (the active version of the same name is retired) or retired
-- Returns    the rule version's id
-- Errors     RA004 no such rule, or see assert_tenant(); RA003 the version is not valid, or another active
--            book rule has its priority; 22023 another status
-- Writes     attribution_rules. History is not restated: call rebuild() for that.
-- SECURITY DEFINER: works for the tenant given, whatever is in context.

CREATE OR REPLACE FUNCTION attribution.set_rule_status(p_tenant uuid, p_name text, p_version int, p_status text)
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_id uuid;
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    IF p_status NOT IN ('active', 'retired') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('status %L cannot be set', p_status),
            DETAIL = 'A rule version is made as draft or active, and then activated or retired.',
            HINT = 'Use active or retired.';
    END IF;
    PERFORM FROM attribution.tenants AS t WHERE t.id = p_tenant FOR NO KEY UPDATE; -- one change of rules at a time
    SELECT r.id INTO v_id
    FROM attribution.attribution_rules AS r
    WHERE r.tenant_id = p_tenant AND r.name = p_name AND r.version = coalesce(p_version, r.version)
    ORDER BY r.version DESC
    LIMIT 1;
    IF v_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA004',
            MESSAGE = format('no rule %L%s', p_name, coalesce(', version ' || p_version, '')),
            DETAIL = 'The tenant has no rule of this name and version.',
            HINT = 'List the rules: ctl rules list.';
    END IF;
    IF p_status = 'active' THEN
        PERFORM attribution.assert_no_rival(p_tenant, r.name, r.priority)
        FROM attribution.attribution_rules AS r
        WHERE r.tenant_id = p_tenant AND r.id = v_id AND r.is_book;
        UPDATE attribution.attribution_rules AS r
        SET status = 'retired'
        WHERE r.tenant_id = p_tenant AND r.name = p_name AND r.status = 'active' AND r.id <> v_id;
    END IF;
    UPDATE attribution.attribution_rules AS r
    SET status = p_status
    WHERE r.tenant_id = p_tenant AND r.id = v_id AND r.status <> p_status;
    RETURN v_id;
END
$$;

ALTER FUNCTION attribution.set_rule_status(uuid, text, int, text) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.set_rule_status(uuid, text, int, text) IS
'Activates or retires a rule version; history is not restated. Errors: RA004 no such rule or tenant, RA003 invalid version, RA009 login bound to another, 22023 other status.';

REVOKE ALL ON FUNCTION attribution.set_rule_status(uuid, text, int, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.set_rule_status(uuid, text, int, text) TO attribution_admin;
