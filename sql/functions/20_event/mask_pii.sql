-- mask_pii(p_value, p_person, p_depth): a JSON value without its personal data.
--
-- p_person the value describes a person, so that its "name" is masked too; true at the top
-- p_depth  nesting so far; what lies deeper than 20 levels is masked whole, which bounds the recursion
-- Returns  the same shape: values under a personal key become "[masked]", other texts (and keys) pass mask_text()

CREATE OR REPLACE FUNCTION attribution.mask_pii(p_value jsonb, p_person boolean DEFAULT true, p_depth int DEFAULT 0)
RETURNS jsonb
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
BEGIN
    IF p_depth > 20 THEN
        RETURN to_jsonb('[masked: nested deeper than 20 levels]'::text);
    END IF;
    CASE jsonb_typeof(p_value)
        WHEN 'object' THEN
            RETURN (
                SELECT coalesce(jsonb_object_agg(attribution.mask_text(o.key), CASE
                    WHEN attribution.is_pii_key(o.key) OR (p_person AND o.key = 'name') THEN '"[masked]"'
                    ELSE attribution.mask_pii(o.value, attribution.is_person_key(o.key), p_depth + 1)
                END), '{}')
                FROM jsonb_each(p_value) AS o (key, value)
            );
        WHEN 'array' THEN
            RETURN (
                SELECT coalesce(jsonb_agg(attribution.mask_pii(a.value, p_person, p_depth + 1) ORDER BY a.place), '[]')
                FROM jsonb_array_elements(p_value) WITH ORDINALITY AS a (value, place)
            );
        WHEN 'string' THEN
            RETURN to_jsonb(attribution.mask_text(p_value #>> '{}'));
        WHEN 'number' THEN -- a card number may be sent as one
            RETURN CASE
                WHEN abs(p_value::numeric) > 1e40 OR (abs(p_value::numeric) < 1e-40 AND p_value <> '0')
                    THEN to_jsonb('[number beyond 1e40]'::text) -- which may have 131072 digits
                WHEN attribution.mask_text(p_value::text) = p_value::text THEN p_value
                ELSE to_jsonb(attribution.mask_text(p_value::text))
            END;
        ELSE
            RETURN p_value;
    END CASE;
END
$$;

ALTER FUNCTION attribution.mask_pii(jsonb, boolean, int) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.mask_pii(jsonb, boolean, int) IS
'A JSON value with its personal data masked; deeper than 20 levels it is masked whole.';

REVOKE ALL ON FUNCTION attribution.mask_pii(jsonb, boolean, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.mask_pii(jsonb, boolean, int) TO attribution_engine, attribution_admin;
