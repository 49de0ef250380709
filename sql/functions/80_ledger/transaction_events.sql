-- transaction_events(p_tenant, p_event_ids, p_within): whole transactions: the conversions, refunds and disputes of each.
--
-- p_event_ids conversions, refunds, chargebacks and disputes of the transactions; others are ignored
-- p_within    not null: only transactions all of whose events are among these
-- Returns     ids in ascending order
-- Reads       attribution_events
--
-- In PL/pgSQL, which keeps its plan for the session: before PostgreSQL 18 an SQL function is planned again for each transaction.

CREATE OR REPLACE FUNCTION attribution.transaction_events(p_tenant uuid, p_event_ids uuid[], p_within uuid[] DEFAULT NULL)
RETURNS uuid[]
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
    RETURN (
        SELECT coalesce(array_agg(w.id ORDER BY w.id) FILTER (WHERE w.is_whole), '{}')
        FROM (
            SELECT e.id, bool_and(p_within IS NULL OR e.id = ANY (p_within)) OVER (PARTITION BY t.transaction_id) AS is_whole
            FROM (
                SELECT DISTINCT g.transaction_id
                FROM unnest(p_event_ids) AS k (id)
                CROSS JOIN LATERAL (
                    SELECT coalesce(x.transaction_id, x.id::text) AS transaction_id, x.event_kind
                    FROM attribution.attribution_events AS x
                    WHERE x.tenant_id = p_tenant AND x.id = k.id
                    OFFSET 0 -- the kind is looked at outside, or the planner may read a whole partial index for one key
                ) AS g
                WHERE g.event_kind IN ('conversion', 'refund', 'dispute')
            ) AS t
            CROSS JOIN LATERAL (
                SELECT x.id
                FROM attribution.attribution_events AS x
                WHERE x.tenant_id = p_tenant AND coalesce(x.transaction_id, x.id::text) = t.transaction_id
                    AND x.event_kind IN ('conversion', 'refund', 'dispute')
                OFFSET 0
            ) AS e
        ) AS w
    );
END
$$;

ALTER FUNCTION attribution.transaction_events(uuid, uuid[], uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.transaction_events(uuid, uuid[], uuid[]) IS
'The conversions, refunds and disputes of the transactions that the given events belong to, in ascending order; with p_within, only of transactions that lie wholly within it.';

REVOKE ALL ON FUNCTION attribution.transaction_events(uuid, uuid[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.transaction_events(uuid, uuid[], uuid[]) TO attribution_engine, attribution_admin;
