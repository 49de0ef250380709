-- weight_function_error(p_function): why a function may not serve as a rule's weight function.
--
-- p_function  its name, with its schema
-- Returns     the reason, or null when it may: it exists with (int, int, interval, jsonb) and returns double precision, is
--             IMMUTABLE and no SECURITY DEFINER, and belongs to attribution_owner or a superuser: it runs with the engine's
--             rights, so only those who own the engine may provide one
-- Reads       pg_catalog

CREATE OR REPLACE FUNCTION attribution.weight_function_error(p_function text)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN p_function IS NULL THEN 'no weight function is named'
        WHEN p_function !~ '^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$' THEN 'its name is not schema.function in plain lower case'
        WHEN p.oid IS NULL THEN 'no function of this name takes (int, int, interval, jsonb)'
        WHEN p.prorettype <> 'double precision'::regtype OR p.proretset THEN 'it does not return double precision'
        WHEN p.provolatile <> 'i' THEN 'it is not IMMUTABLE'
        WHEN p.prosecdef THEN 'it is SECURITY DEFINER'
        WHEN NOT (p.proowner = 'attribution_owner'::regrole OR r.rolsuper)
            THEN 'it belongs neither to attribution_owner nor to a superuser'
    END
    FROM (
        SELECT CASE
            WHEN p_function ~ '^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$' THEN to_regprocedure(p_function || '(int, int, interval, jsonb)')
        END AS oid
    ) AS f
    LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = f.oid
    LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = p.proowner
$$;

ALTER FUNCTION attribution.weight_function_error(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.weight_function_error(text) IS
'Why a function may not serve as a rules weight function; null when it may.';

REVOKE ALL ON FUNCTION attribution.weight_function_error(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.weight_function_error(text)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
