-- mask_line(p_text): a line that is no JSON, its personal data blotted out as far as it can be told.
--
-- Returns  the text: what follows a personal key and a colon becomes "[masked]", the rest passes mask_text()

CREATE OR REPLACE FUNCTION attribution.mask_line(p_text text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT coalesce(string_agg(CASE
        WHEN part.found[1] IS NULL THEN attribution.mask_text(part.found[4])
        WHEN attribution.is_pii_key(part.found[1]) OR part.found[1] = 'name'
            THEN '"' || attribution.mask_text(part.found[1]) || '"' || part.found[2] || '"[masked]"'
        ELSE '"' || attribution.mask_text(part.found[1]) || '"' || part.found[2] || attribution.mask_text(part.found[3])
    END, '' ORDER BY part.place), '')
    -- "key" : value, or a text without a colon after it, or what stands between the two, or a quote that is never closed
    FROM regexp_matches(
        p_text,
        '"((?:[^"\\]|\\.)*)"(\s*:\s*)("(?:[^"\\]|\\.)*"?|[^",}\]\[{]*)|("(?:[^"\\]|\\.)*"?|[^"]+)', 'g'
    ) WITH ORDINALITY AS part (found, place)
$$;

ALTER FUNCTION attribution.mask_line(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.mask_line(text) IS
'A line that is no JSON, with the values after personal keys masked and the rest as mask_text() leaves it.';

REVOKE ALL ON FUNCTION attribution.mask_line(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.mask_line(text) TO attribution_engine;
