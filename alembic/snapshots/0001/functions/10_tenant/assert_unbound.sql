-- assert_unbound(): refuse a login that is bound to a tenant what concerns all of them.
--
-- Errors   RA009
-- Reads    tenant_logins, through login_permits(): a bound login is not permitted "no tenant"

CREATE OR REPLACE FUNCTION attribution.assert_unbound()
RETURNS void
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
    IF NOT attribution.login_permits(NULL) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA009',
            MESSAGE = 'a login bound to a tenant may not change what all tenants share',
            DETAIL = format('Login %s is bound to a tenant.', session_user),
            HINT = 'Use an administrator''s login that is bound to none.';
    END IF;
END
$$;

ALTER FUNCTION attribution.assert_unbound() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.assert_unbound() IS
'Raises RA009 when the login is bound to a tenant.';

REVOKE ALL ON FUNCTION attribution.assert_unbound() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.assert_unbound() TO attribution_engine;
