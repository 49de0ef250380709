-- statement_time(p_text, p_zone): a time as statements write it.
--
-- p_text   2026-01-31, or 2026-01-31 12:00 with seconds, fractions, T, and Z, UTC or an offset if need be
-- p_zone   time zone of what names none; a day alone is its midnight there
-- Returns  null for anything else

CREATE OR REPLACE FUNCTION attribution.statement_time(p_text text, p_zone text)
RETURNS timestamptz
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN CASE
    WHEN NOT coalesce(attribution.is_day(left(p_text, 10)), false) THEN NULL
    WHEN length(p_text) = 10 OR p_text ~ '^.{10}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?$'
        THEN p_text::timestamp AT TIME ZONE p_zone
    WHEN p_text ~ '^.{10}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)? ?(Z|UTC|[+-](0[0-9]|1[0-4]):?[0-5][0-9])$'
        THEN p_text::timestamptz
END;

ALTER FUNCTION attribution.statement_time(text, text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.statement_time(text, text) IS
'An ISO 8601 day or time, in the given zone where it names none; null for anything else.';

REVOKE ALL ON FUNCTION attribution.statement_time(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.statement_time(text, text) TO attribution_engine;
