-- usd_rate(p_currency, p_at): the rate at which a sale is converted to US dollars.
--
-- p_at     when the sale was; its day is that of UTC
-- Returns  rate: US dollars per unit; rate_at: midnight UTC of the rate's day, for US dollars p_at itself. No row where no
--          rate is known for the day or one before it
-- Reads    fx_rates

CREATE OR REPLACE FUNCTION attribution.usd_rate(p_currency text, p_at timestamptz)
RETURNS TABLE (rate numeric, rate_at timestamptz)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT 1::numeric, p_at
    WHERE p_currency = 'USD'
    UNION ALL
    (
        SELECT f.rate_to_usd, f.rate_date::timestamp AT TIME ZONE 'UTC'
        FROM attribution.fx_rates AS f
        WHERE f.currency = p_currency AND f.rate_date <= (p_at AT TIME ZONE 'UTC')::date
        ORDER BY f.rate_date DESC
        LIMIT 1
    )
$$;

ALTER FUNCTION attribution.usd_rate(text, timestamptz) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.usd_rate(text, timestamptz) IS
'The rate to the US dollar, and its day, at which a sale of that time is converted; no row where none is known.';

REVOKE ALL ON FUNCTION attribution.usd_rate(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.usd_rate(text, timestamptz)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
