-- dead_letter_key(p_key): the form in which dead_events keeps an idempotency key.
--
-- Returns  the key, or 'sha256:' and its digest where it is longer than 512 bytes or holds personal data

CREATE OR REPLACE FUNCTION attribution.dead_letter_key(p_key text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN octet_length(p_key) <= 512 AND attribution.mask_text(p_key) = p_key THEN p_key
    ELSE 'sha256:' || encode(sha256(convert_to(p_key, 'UTF8')), 'hex')
END;

ALTER FUNCTION attribution.dead_letter_key(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.dead_letter_key(text) IS
'The form in which dead_events keeps an idempotency key: hashed where it is long or holds personal data.';

REVOKE ALL ON FUNCTION attribution.dead_letter_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.dead_letter_key(text) TO attribution_engine;
