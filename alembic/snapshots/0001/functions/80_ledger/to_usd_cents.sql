-- to_usd_cents(p_amount, p_minor_unit, p_rate): convert minor units of a currency to US cents.
--
-- p_amount      minor units
-- p_minor_unit  decimals of the currency: 0 for JPY, 2 for EUR, 3 for KWD
-- p_rate        US dollars per unit of the currency
-- Returns       US cents, halves rounded away from zero; null where there is no rate, or where a bigint could not hold them
--
-- Multiplied and never divided, so that nothing is rounded but the end.

CREATE OR REPLACE FUNCTION attribution.to_usd_cents(p_amount numeric, p_minor_unit int, p_rate numeric)
RETURNS bigint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (
    SELECT CASE WHEN abs(c.cents) <= 9223372036854775807 THEN c.cents::bigint END
    FROM (SELECT round(p_amount * p_rate * (ARRAY[100, 10, 1, 0.1, 0.01])[p_minor_unit + 1])) AS c (cents)
);

ALTER FUNCTION attribution.to_usd_cents(numeric, int, numeric) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.to_usd_cents(numeric, int, numeric) IS
'Minor units of a currency as US cents, halves rounded away from zero; null without a rate.';

REVOKE ALL ON FUNCTION attribution.to_usd_cents(numeric, int, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.to_usd_cents(numeric, int, numeric)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
