-- apply_rule(p_tenant, p_rule, p_activate): make a rule what the given JSON says, as a new version where it differs.
--
-- p_rule      as for validate_rule()
-- p_activate  make the version active and retire the one that was; false: leave a draft
-- Returns     rule_id, version, and change: created, updated or unchanged
-- Errors      RA003 the rule is not valid, or another active book rule has its priority; RA004, RA009 see assert_tenant()
-- Writes      attribution_rules. History is not restated: call rebuild() for that.
-- SECURITY DEFINER: works for the tenant given, whatever is in context.

CREATE OR REPLACE FUNCTION attribution.apply_rule(p_tenant uuid, p_rule jsonb, p_activate boolean DEFAULT true)
RETURNS TABLE (rule_id uuid, version int, change text)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_wanted attribution.attribution_rules;
    v_latest attribution.attribution_rules;
    v_same boolean;
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    PERFORM attribution.assert_rule(p_rule);
    PERFORM FROM attribution.tenants AS t WHERE t.id = p_tenant FOR NO KEY UPDATE; -- one change of rules at a time

    v_wanted.config := coalesce(p_rule -> 'config', '{}');
    v_wanted.applies_to := coalesce(p_rule -> 'applies_to', '{}');
    v_wanted.priority := coalesce((p_rule ->> 'priority')::int, 100);
    v_wanted.is_book := coalesce((p_rule ->> 'is_book')::boolean, false);
    v_wanted.constraint_mode := coalesce(p_rule ->> 'constraint_mode', 'must_sum_to_100');

    SELECT r.* INTO v_latest
    FROM attribution.attribution_rules AS r
    WHERE r.tenant_id = p_tenant AND r.name = p_rule ->> 'name'
    ORDER BY r.version DESC
    LIMIT 1;
    v_same := v_latest.id IS NOT NULL AND v_latest.model_type = p_rule ->> 'model_type'
        AND v_latest.config = v_wanted.config AND v_latest.applies_to = v_wanted.applies_to
        AND v_latest.priority = v_wanted.priority AND v_latest.is_book = v_wanted.is_book
        AND v_latest.constraint_mode = v_wanted.constraint_mode;
    IF v_same AND (v_latest.status = 'active' OR NOT p_activate) THEN
        RETURN QUERY SELECT v_latest.id, v_latest.version, 'unchanged';
        RETURN;
    END IF;

    IF p_activate AND v_wanted.is_book THEN
        PERFORM attribution.assert_no_rival(p_tenant, p_rule ->> 'name', v_wanted.priority);
    END IF;

    IF p_activate THEN
        UPDATE attribution.attribution_rules AS r
        SET status = 'retired'
        WHERE r.tenant_id = p_tenant AND r.name = p_rule ->> 'name' AND r.status = 'active';
    END IF;
    INSERT INTO attribution.attribution_rules AS r (
        tenant_id, name, version, model_type, config, applies_to, priority, is_book, constraint_mode, status
    )
    VALUES (
        p_tenant, p_rule ->> 'name', coalesce(v_latest.version, 0) + 1, p_rule ->> 'model_type', v_wanted.config,
        v_wanted.applies_to, v_wanted.priority, v_wanted.is_book, v_wanted.constraint_mode,
        CASE WHEN p_activate THEN 'active' ELSE 'draft' END
    )
    RETURNING r.id, r.version INTO rule_id, version;
    change := CASE WHEN v_latest.id IS NULL THEN 'created' ELSE 'updated' END;
    RETURN NEXT;
END
$$;

ALTER FUNCTION attribution.apply_rule(uuid, jsonb, boolean) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.apply_rule(uuid, jsonb, boolean) IS
'Makes a rule what the given JSON says, as a new version where it differs; history is not restated. Errors: RA003 invalid rule or rival book rule, RA004 unknown tenant, RA009 login bound to another.';

REVOKE ALL ON FUNCTION attribution.apply_rule(uuid, jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.apply_rule(uuid, jsonb, boolean) TO attribution_admin;
