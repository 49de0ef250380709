-- apply_channel(p_code, p_family, p_is_paid, p_display_name, p_is_active): add a channel to the taxonomy, or change it.
--
-- p_code       lower snake case; unattributed is reserved
-- p_is_active  false retires the code: no new event may mean it, its history stays
-- Returns      created, updated or unchanged
-- Errors       RA009 the login is bound to a tenant: the taxonomy is everyone's; 23514 malformed or reserved code
-- Writes       channel_taxonomy
-- SECURITY DEFINER: nobody but the engine writes the taxonomy.

CREATE OR REPLACE FUNCTION attribution.apply_channel(
    p_code text,
    p_family text,
    p_is_paid boolean,
    p_display_name text,
    p_is_active boolean DEFAULT true
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_old attribution.channel_taxonomy;
BEGIN
    PERFORM attribution.assert_unbound();
    IF p_code = 'unattributed' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'check_violation',
            MESSAGE = 'channel code unattributed is reserved',
            DETAIL = 'It stands for what no touch has earned.',
            HINT = 'Choose another code.';
    END IF;
    SELECT c.* INTO v_old FROM attribution.channel_taxonomy AS c WHERE c.code = p_code;
    IF v_old.code IS NULL THEN
        INSERT INTO attribution.channel_taxonomy (code, family, is_paid, display_name, is_active)
        VALUES (p_code, p_family, p_is_paid, p_display_name, p_is_active);
        RETURN 'created';
    END IF;
    UPDATE attribution.channel_taxonomy AS c
    SET family = p_family, is_paid = p_is_paid, display_name = p_display_name, is_active = p_is_active
    WHERE c.code = p_code
        AND (c.family, c.is_paid, c.display_name, c.is_active) IS DISTINCT FROM (p_family, p_is_paid, p_display_name, p_is_active);
    RETURN CASE WHEN FOUND THEN 'updated' ELSE 'unchanged' END;
END
$$;

ALTER FUNCTION attribution.apply_channel(text, text, boolean, text, boolean) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.apply_channel(text, text, boolean, text, boolean) IS
'Adds a channel to the taxonomy, or changes or retires it. Errors: RA009 login bound to a tenant, 23514 malformed or reserved code.';

REVOKE ALL ON FUNCTION attribution.apply_channel(text, text, boolean, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.apply_channel(text, text, boolean, text, boolean) TO attribution_admin;
