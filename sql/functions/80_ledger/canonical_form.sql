-- canonical_form(p_fields …): texts as one text that no other fields share.
--
-- Returns  every field as length:text, absent ones as '-': neither a delimiter within a value nor a null beside an empty
--          text can be mistaken
--
-- What is hashed, for whoever wants to check a hash; the hashes of the ledger spell it out with canonical_field().

CREATE OR REPLACE FUNCTION attribution.canonical_form(VARIADIC p_fields text[])
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT string_agg(attribution.canonical_field(f.value), ',' ORDER BY f.place)
    FROM unnest(p_fields) WITH ORDINALITY AS f (value, place)
$$;

ALTER FUNCTION attribution.canonical_form(text[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.canonical_form(text[]) IS
'Texts as one text that no other fields share: length-prefixed, absent ones as a dash.';

REVOKE ALL ON FUNCTION attribution.canonical_form(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.canonical_form(text[])
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
