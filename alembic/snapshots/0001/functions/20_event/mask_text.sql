-- mask_text(p_text): the text with e-mail addresses, phone numbers, IP addresses and card numbers blotted out.

CREATE OR REPLACE FUNCTION attribution.mask_text(p_text text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN regexp_replace(regexp_replace(regexp_replace(regexp_replace(p_text COLLATE "C",
    attribution.pii_pattern('e-mail address'), '\1[e-mail address]', 'gi'),
    attribution.pii_pattern('phone number'), '\1[phone number]', 'gi'),
    attribution.pii_pattern('IP address'), '\1[IP address]', 'gi'),
    attribution.pii_pattern('card number'), '\1[card number]', 'gi');

ALTER FUNCTION attribution.mask_text(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.mask_text(text) IS
'The text with e-mail addresses, phone numbers, IP addresses and card numbers replaced by what they were.';

REVOKE ALL ON FUNCTION attribution.mask_text(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.mask_text(text) TO attribution_engine, attribution_admin;
