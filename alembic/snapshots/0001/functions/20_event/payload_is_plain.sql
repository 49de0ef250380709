-- payload_is_plain(p_payload): can a raw_payload be told at a glance to be in order?
--
-- Returns  true: check_payload() would find nothing. False: it has to look, and mostly finds nothing either
--
-- A small datum that is not compressed can't be nested deeply; without huge numbers it is a short text; and one pass over
-- that text per pattern tells that it holds nothing which every kind of personal data has.
-- STABLE, as pg_column_size() is. Inlined into accept_event(), so: plain SQL, no SET, no SECURITY DEFINER.

CREATE OR REPLACE FUNCTION attribution.payload_is_plain(p_payload jsonb)
RETURNS boolean
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN CASE
    WHEN pg_column_size(p_payload) > 2000 OR pg_column_compression(p_payload) IS NOT NULL THEN false
    WHEN jsonb_typeof(p_payload) <> 'object' THEN false
    WHEN p_payload @? '$.** ? (@.type() == "number" && (@.abs() > 1e40 || (@.abs() < 1e-40 && @ != 0)))' THEN false
    ELSE strpos(p_payload::text, '@') = 0
        AND lower(p_payload::text COLLATE "C") !~ attribution.pii_pattern('number')
        AND reverse(lower(p_payload::text COLLATE "C")) !~ attribution.pii_pattern('reversed key')
END;

ALTER FUNCTION attribution.payload_is_plain(jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.payload_is_plain(jsonb) IS
'True when a raw_payload is told at a glance to be in order; false when check_payload() has to look.';

REVOKE ALL ON FUNCTION attribution.payload_is_plain(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.payload_is_plain(jsonb) TO attribution_engine;
