-- queued_events(p_tenant): the events that nothing has taken into account yet.
--
-- Returns  their ids, and those of the sales that imported rates may change
-- Reads    work_queue, attribution_events

CREATE OR REPLACE FUNCTION attribution.queued_events(p_tenant uuid)
RETURNS uuid[]
LANGUAGE sql
STABLE
AS $$
    SELECT coalesce(array_agg(x.id), '{}')
    FROM (
        SELECT e.id
        FROM attribution.work_queue AS q
        CROSS JOIN LATERAL unnest(q.event_ids) AS e (id)
        WHERE q.tenant_id = p_tenant
        UNION ALL
        SELECT e.id
        FROM attribution.work_queue AS q
        CROSS JOIN LATERAL unnest(attribution.sales_of_days(p_tenant, q.fx_currency, q.fx_days)) AS e (id)
        WHERE q.tenant_id = p_tenant AND q.fx_currency IS NOT NULL
    ) AS x
$$;

ALTER FUNCTION attribution.queued_events(uuid) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.queued_events(uuid) IS
'The events of a tenant that the queue holds, and the sales that imported rates may change.';

REVOKE ALL ON FUNCTION attribution.queued_events(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.queued_events(uuid) TO attribution_engine, attribution_admin;
