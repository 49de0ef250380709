-- card_number_valid(p_text): do the digits pass the card industry's check (Luhn, ISO/IEC 7812-1)?

CREATE OR REPLACE FUNCTION attribution.card_number_valid(p_text text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT sum(
        CASE WHEN d.place % 2 = 0 THEN d.digit * 2 - CASE WHEN d.digit > 4 THEN 9 ELSE 0 END ELSE d.digit END
    ) % 10 = 0
    FROM (
        SELECT c.digit::int, c.place
        FROM regexp_split_to_table(reverse(regexp_replace(p_text, '[^0-9]', '', 'g')), '') WITH ORDINALITY AS c (digit, place)
        WHERE c.digit <> ''
    ) AS d
$$;

ALTER FUNCTION attribution.card_number_valid(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.card_number_valid(text) IS 'True when the digits of a text pass the Luhn check.';

REVOKE ALL ON FUNCTION attribution.card_number_valid(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.card_number_valid(text) TO attribution_engine, attribution_admin;
