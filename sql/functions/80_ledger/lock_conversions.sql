-- lock_conversions(p_tenant, p_event_ids): take the locks of conversions, and of their refunds and disputes, in key order.
--
-- p_event_ids conversions, refunds, chargebacks and disputes
-- Errors      55P03 a lock was not granted within lock_timeout
--
-- Whoever works through conversions in slices takes all locks first: a transaction's conversions may stand in several.

CREATE OR REPLACE FUNCTION attribution.lock_conversions(p_tenant uuid, p_event_ids uuid[])
RETURNS void
LANGUAGE sql
VOLATILE
AS $$
    SELECT
    FROM (SELECT e.id FROM unnest(p_event_ids) AS e (id) ORDER BY e.id OFFSET 0) AS k
    CROSS JOIN LATERAL (
        SELECT
        FROM attribution.event_processing AS p
        WHERE p.tenant_id = p_tenant AND p.event_id = k.id
        FOR UPDATE
    ) AS l
$$;

ALTER FUNCTION attribution.lock_conversions(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.lock_conversions(uuid, uuid[]) IS
'Takes the locks of conversions in key order. Errors: 55P03 not granted in time.';

REVOKE ALL ON FUNCTION attribution.lock_conversions(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.lock_conversions(uuid, uuid[]) TO attribution_engine;
