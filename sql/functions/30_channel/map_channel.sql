-- map_channel(p_tenant, p_match_kind, p_match_value, p_channel_code): map what vendors call a channel to its code.
--
-- p_tenant        whose mapping; null: everyone's
-- p_match_kind    label, utm or click_id; p_match_value see the comment of channel_aliases; it is folded here
-- p_channel_code  an active code; null: remove the mapping
-- Returns         created, updated, unchanged, removed or absent
-- Errors          RA004, RA009 see assert_tenant(), assert_unbound(); 23503 unknown code; 23514 malformed
-- Writes          channel_aliases. Events that were accepted keep the code they resolved to.
-- SECURITY DEFINER: nobody but the engine changes mappings.

CREATE OR REPLACE FUNCTION attribution.map_channel(
    p_tenant uuid,
    p_match_kind text,
    p_match_value text,
    p_channel_code text
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_value text := attribution.fold_label(p_match_value);
    v_old text;
BEGIN
    IF p_tenant IS NULL THEN
        PERFORM attribution.assert_unbound();
    ELSE
        PERFORM attribution.assert_tenant(p_tenant);
    END IF;
    SELECT a.channel_code INTO v_old
    FROM attribution.channel_aliases AS a
    WHERE a.tenant_id IS NOT DISTINCT FROM p_tenant AND a.match_kind = p_match_kind AND a.match_value = v_value;

    IF p_channel_code IS NULL THEN
        DELETE FROM attribution.channel_aliases AS a
        WHERE a.tenant_id IS NOT DISTINCT FROM p_tenant AND a.match_kind = p_match_kind AND a.match_value = v_value;
        RETURN CASE WHEN FOUND THEN 'removed' ELSE 'absent' END;
    ELSIF v_old = p_channel_code THEN
        RETURN 'unchanged';
    END IF;
    INSERT INTO attribution.channel_aliases AS a (tenant_id, match_kind, match_value, channel_code)
    VALUES (p_tenant, p_match_kind, v_value, p_channel_code)
    ON CONFLICT ON CONSTRAINT channel_aliases_key DO UPDATE SET channel_code = excluded.channel_code;
    RETURN CASE WHEN v_old IS NULL THEN 'created' ELSE 'updated' END;
END
$$;

ALTER FUNCTION attribution.map_channel(uuid, text, text, text) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.map_channel(uuid, text, text, text) IS
'Maps what vendors call a channel to its code, for a tenant or for all (null); a null code removes the mapping. Errors: RA004, RA009, 23503 unknown code, 23514 malformed.';

REVOKE ALL ON FUNCTION attribution.map_channel(uuid, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.map_channel(uuid, text, text, text) TO attribution_admin;
