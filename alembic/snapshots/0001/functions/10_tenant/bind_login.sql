-- bind_login(p_role, p_tenant): hold a login to one tenant, whatever it SETs.
--
-- p_role   an existing role
-- p_tenant its tenant from now on; null: unbind
-- Errors   42704 no such role; RA004 unknown tenant; RA009 the caller's login is bound itself
-- Writes   tenant_logins
-- SECURITY DEFINER: nobody but the engine may write a binding.

CREATE OR REPLACE FUNCTION attribution.bind_login(p_role name, p_tenant uuid)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
BEGIN
    PERFORM attribution.assert_unbound();
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = p_role) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('role %s does not exist', coalesce(quote_ident(p_role), 'null')),
            DETAIL = 'Only an existing login can be bound to a tenant.',
            HINT = 'CREATE ROLE … LOGIN IN ROLE attribution_app, then bind it.';
    END IF;
    IF p_tenant IS NOT NULL THEN
        PERFORM attribution.assert_tenant(p_tenant);
    END IF;
    DELETE FROM attribution.tenant_logins AS l WHERE l.role_name = p_role AND l.tenant_id IS DISTINCT FROM p_tenant;
    IF p_tenant IS NOT NULL THEN
        INSERT INTO attribution.tenant_logins (tenant_id, role_name) VALUES (p_tenant, p_role) ON CONFLICT DO NOTHING;
    END IF;
END
$$;

ALTER FUNCTION attribution.bind_login(name, uuid) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.bind_login(name, uuid) IS
'Holds a login to one tenant whatever it SETs; null unbinds. Errors: 42704 no such role, RA004 unknown tenant, RA009 the caller is bound itself.';

REVOKE ALL ON FUNCTION attribution.bind_login(name, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.bind_login(name, uuid) TO attribution_admin;
