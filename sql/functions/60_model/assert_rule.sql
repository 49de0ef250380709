-- assert_rule(p_rule): raise everything that is wrong with a rule, at once.
--
-- p_rule  as for validate_rule()
-- Errors  RA003, every error in the DETAIL

CREATE OR REPLACE FUNCTION attribution.assert_rule(p_rule jsonb)
RETURNS void
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    v_errors text;
BEGIN
    SELECT string_agg(e.path || ': ' || e.message, E'\n' ORDER BY e.path, e.message) INTO v_errors
    FROM attribution.validate_rule(p_rule) AS e;
    IF v_errors IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA003',
            MESSAGE = format('rule %s is not valid', coalesce(quote_ident(p_rule ->> 'name'), 'without a name')),
            DETAIL = v_errors,
            HINT = 'Correct each of these. SELECT * FROM attribution.validate_rule(…) shows them with hints.';
    END IF;
END
$$;

ALTER FUNCTION attribution.assert_rule(jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.assert_rule(jsonb) IS
'Raises RA003 with everything that is wrong with a rule.';

REVOKE ALL ON FUNCTION attribution.assert_rule(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.assert_rule(jsonb) TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
