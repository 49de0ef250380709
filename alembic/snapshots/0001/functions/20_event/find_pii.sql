-- find_pii(p_payload): the first kind of personal data in a payload.
--
-- Returns  what was found, in words ('e-mail address', 'key "first_name"', …), or null
--
-- Works on the payload's text, so that nesting costs nothing; JSON's own escapes keep a value from looking like a key.
-- Most payloads are let go by the first expression, which is the union of what the others could match.

CREATE OR REPLACE FUNCTION attribution.find_pii(p_payload jsonb)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
DECLARE
    v_text text COLLATE "C" := p_payload::text;
    v_found text;
BEGIN
    IF v_text !~* (
        '@|[0-9][ .()-]{1,2}[0-9]{3}[ .-]|\+[1-9]|[0-9]\.[0-9]+\.[0-9]+\.[0-9]|:[0-9a-f]*:[0-9a-f]*:|::|[2-6]([ -]?[0-9]){12}'
        '|mail|phone|mobile|msisdn|name|street|address|code|card|ip|birth|passport|security|national|tel|fax|zip|pan|cv|iban|ssn|dob'
    ) THEN
        RETURN NULL;
    END IF;

    FOREACH v_found IN ARRAY ARRAY['e-mail address', 'phone number', 'IP address'] LOOP
        IF v_text ~* attribution.pii_pattern(v_found) THEN
            RETURN v_found;
        END IF;
    END LOOP;
    IF EXISTS (
        SELECT
        FROM regexp_matches(v_text, attribution.pii_pattern('card number'), 'g') AS m (groups)
        WHERE attribution.card_number_valid(m.groups[1])
    ) THEN
        RETURN 'card number';
    END IF;

    SELECT format('key "%s"', k.groups[1]) INTO v_found
    FROM regexp_matches(v_text, '"((?:[^"\\]|\\.)*)": ', 'g') AS k (groups)
    WHERE attribution.is_pii_key(k.groups[1])
    LIMIT 1;
    IF v_found IS NULL AND v_text ~ '"name": ' AND (p_payload ? 'name' OR EXISTS (
        SELECT
        FROM jsonb_each(CASE jsonb_typeof(p_payload) WHEN 'object' THEN p_payload ELSE '{}' END) AS o (key, value)
        WHERE jsonb_typeof(o.value) = 'object' AND o.value ? 'name' AND attribution.is_person_key(o.key)
    )) THEN
        v_found := 'key "name"';
    END IF;
    RETURN v_found;
END
$$;

ALTER FUNCTION attribution.find_pii(jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.find_pii(jsonb) IS 'The first kind of personal data found in a payload, in words; null when none.';

REVOKE ALL ON FUNCTION attribution.find_pii(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.find_pii(jsonb) TO attribution_engine, attribution_admin;
