-- is_day(p_text): is it a day as ISO 8601 writes it?
--
-- Returns  true for YYYY-MM-DD of a day that there is, from 1970 to 9999; false for anything else, null too

CREATE OR REPLACE FUNCTION attribution.is_day(p_text text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN p_text ~ '^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'
        THEN split_part(p_text, '-', 3)::int <= extract(day FROM (
            make_date(split_part(p_text, '-', 1)::int, split_part(p_text, '-', 2)::int, 1) + interval '1 month - 1 day'
        ))
    ELSE false
END;

ALTER FUNCTION attribution.is_day(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.is_day(text) IS
'True for YYYY-MM-DD of a day that there is, from 1970 on.';

REVOKE ALL ON FUNCTION attribution.is_day(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.is_day(text)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
