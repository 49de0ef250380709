-- sales_of_days(p_tenant, p_currency, p_days): conversions in a currency on the given days.
--
-- p_days   days in UTC, as rates have them
-- Returns  ids
-- Reads    attribution_events

CREATE OR REPLACE FUNCTION attribution.sales_of_days(p_tenant uuid, p_currency text, p_days daterange)
RETURNS uuid[]
LANGUAGE sql
STABLE
AS $$
    SELECT coalesce(array_agg(e.id), '{}')
    FROM attribution.attribution_events AS e
    WHERE e.tenant_id = p_tenant AND e.event_kind = 'conversion' AND e.currency = p_currency
        AND e.occurred_at >= lower(p_days)::timestamp AT TIME ZONE 'UTC'
        AND (upper_inf(p_days) OR e.occurred_at < upper(p_days)::timestamp AT TIME ZONE 'UTC')
$$;

ALTER FUNCTION attribution.sales_of_days(uuid, text, daterange) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.sales_of_days(uuid, text, daterange) IS
'Conversions in a currency on the given days (UTC): those that a rate may change.';

REVOKE ALL ON FUNCTION attribution.sales_of_days(uuid, text, daterange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.sales_of_days(uuid, text, daterange) TO attribution_engine, attribution_admin;
