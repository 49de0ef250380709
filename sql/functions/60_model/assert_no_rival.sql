-- assert_no_rival(p_tenant, p_name, p_priority): no other active book rule has that priority.
--
-- Errors  RA003: which of two would be the book should not hang on which is older
-- Reads   attribution_rules

CREATE OR REPLACE FUNCTION attribution.assert_no_rival(p_tenant uuid, p_name text, p_priority int)
RETURNS void
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    v_rival text;
BEGIN
    SELECT r.name INTO v_rival
    FROM attribution.attribution_rules AS r
    WHERE r.tenant_id = p_tenant AND r.status = 'active' AND r.is_book AND r.name <> p_name AND r.priority = p_priority
    LIMIT 1;
    IF v_rival IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA003',
            MESSAGE = format('two book rules with priority %s', p_priority),
            DETAIL = format('Rule %s is an active book rule of the same priority.', v_rival),
            HINT = 'Give this one another priority (the lowest wins where both apply), or retire the other.';
    END IF;
END
$$;

ALTER FUNCTION attribution.assert_no_rival(uuid, text, int) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.assert_no_rival(uuid, text, int) IS
'Raises RA003 when another active book rule of the tenant has the priority.';

REVOKE ALL ON FUNCTION attribution.assert_no_rival(uuid, text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.assert_no_rival(uuid, text, int) TO attribution_engine;
