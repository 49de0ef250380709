-- find_pii(p_payload): the first kind of personal data in a payload.
--
-- Returns  what was found, in words ('e-mail address', 'key "first_name"', …), or null
--
-- Works on the payload's text, so that nesting costs nothing; JSON's own escapes keep a value from looking like a key.
-- Cheap tests guard the dear ones. Versions (under a key that ends in version or build) are not IP addresses.

CREATE OR REPLACE FUNCTION attribution.find_pii(p_payload jsonb)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
DECLARE
    v_text text COLLATE "C" := lower(p_payload::text COLLATE "C");
BEGIN
    IF strpos(v_text, '@') > 0 AND v_text ~ attribution.pii_pattern('e-mail address') THEN
        RETURN 'e-mail address';
    END IF;
    IF v_text ~ attribution.pii_pattern('number') THEN
        IF v_text ~ attribution.pii_pattern('phone number') THEN
            RETURN 'phone number';
        END IF;
        IF v_text ~ '[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[0-9a-f]::[0-9a-f]|([0-9a-f]{1,4}:){7}'
            AND regexp_replace(v_text, '((version|build)": ")[0-9.]+"', '\1"', 'g') ~ attribution.pii_pattern('IP address') THEN
            RETURN 'IP address';
        END IF;
        IF v_text ~ '[2-6]([ -]?[0-9]){12}' AND EXISTS (
            SELECT
            FROM regexp_matches(v_text, attribution.pii_pattern('card number'), 'g') AS m (groups)
            WHERE attribution.card_number_valid(m.groups[2])
        ) THEN
            RETURN 'card number';
        END IF;
    END IF;
    IF reverse(v_text) ~ attribution.pii_pattern('reversed key') AND v_text ~ attribution.pii_pattern('key') THEN
        RETURN format('key "%s"', (regexp_match(p_payload::text, attribution.pii_pattern('key'), 'i'))[1]);
    END IF;
    IF strpos(v_text, '"name": ') > 0 AND (p_payload ? 'name' OR EXISTS (
        SELECT
        FROM jsonb_path_query(p_payload, '$.** ? (@.type() == "object").keyvalue() ? (exists(@.value.name))') AS o (pair)
        WHERE attribution.is_person_key(o.pair ->> 'key')
    )) THEN
        RETURN 'key "name"';
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION attribution.find_pii(jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.find_pii(jsonb) IS 'The first kind of personal data found in a payload, in words; null when none.';

REVOKE ALL ON FUNCTION attribution.find_pii(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.find_pii(jsonb) TO attribution_engine, attribution_admin;
