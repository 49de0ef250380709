-- is_pii_key(p_key): does this JSON key name personal data?
--
-- Returns  true for e-mail, phone, IP, card, personal name, address, birth date and national id keys, in snake_case,
--          kebab-case or camelCase, with or without a prefix (billing_address, customerEmail). A bare "name" is not one:
--          campaigns have names too; find_pii() judges it by where it stands.

CREATE OR REPLACE FUNCTION attribution.is_pii_key(p_key text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN '"' || translate(p_key, '"', '') || '": ' COLLATE "C" ~* attribution.pii_pattern('key');

ALTER FUNCTION attribution.is_pii_key(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.is_pii_key(text) IS
'True when a JSON key names personal data: e-mail, phone, IP, card number, name, address, birth date, national id.';

REVOKE ALL ON FUNCTION attribution.is_pii_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.is_pii_key(text) TO attribution_engine, attribution_admin;
