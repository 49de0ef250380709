-- canonical_field(p_value): one field of canonical_form().
--
-- One expression, so that it is inlined: a ledger line has 23 of them.

CREATE OR REPLACE FUNCTION attribution.canonical_field(p_value text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN coalesce(octet_length(p_value)::text || ':' || p_value, '-');

ALTER FUNCTION attribution.canonical_field(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.canonical_field(text) IS
'A text as length:text, its length in bytes; an absent one as a dash.';

REVOKE ALL ON FUNCTION attribution.canonical_field(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.canonical_field(text)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
