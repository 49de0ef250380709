-- conversions_of(p_tenant, p_event_ids): every conversion of the transactions that the given events belong to.
--
-- p_event_ids conversions, refunds, chargebacks and disputes; others are ignored
-- Returns     in ascending order
-- Reads       attribution_events

CREATE OR REPLACE FUNCTION attribution.conversions_of(p_tenant uuid, p_event_ids uuid[])
RETURNS uuid[]
LANGUAGE sql
STABLE
AS $$
    SELECT coalesce(array_agg(e.id ORDER BY e.id), '{}')
    FROM unnest(attribution.transaction_events(p_tenant, p_event_ids)) AS k (id)
    CROSS JOIN LATERAL (
        SELECT x.id, x.event_kind
        FROM attribution.attribution_events AS x
        WHERE x.tenant_id = p_tenant AND x.id = k.id
        OFFSET 0
    ) AS e
    WHERE e.event_kind = 'conversion'
$$;

ALTER FUNCTION attribution.conversions_of(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.conversions_of(uuid, uuid[]) IS
'Every conversion of the transactions that the given events belong to, in ascending order.';

REVOKE ALL ON FUNCTION attribution.conversions_of(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.conversions_of(uuid, uuid[]) TO attribution_engine;
