-- fold_label(p_label): the form in which channel labels are compared.
--
-- Returns  NFC, trimmed, inner white space single, ASCII letters in lower case. The "C" collation makes the result
--          the same on every server; nothing is guessed: google never matches google_ads.

CREATE OR REPLACE FUNCTION attribution.fold_label(p_label text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN lower(btrim(regexp_replace(normalize(p_label, NFC), '\s+', ' ', 'g')) COLLATE "C");

ALTER FUNCTION attribution.fold_label(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.fold_label(text) IS
'The form in which channel labels are compared: NFC, trimmed, single spaces, ASCII lower case.';

REVOKE ALL ON FUNCTION attribution.fold_label(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.fold_label(text)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
