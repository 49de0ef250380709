-- unfolded_conversions(p_tenant, p_with_queue): the conversions whose row in conversion_paths is missing or may be out of date.
--
-- p_with_queue  false: leave out what the queue holds, and will be noted when it leaves the queue
-- Returns       ids: all, where the book rules are others than those of summary_states; else all of the sessions of events
--               that are new
-- Reads         summary_states, attribution_rules, unfolded_changes, work_queue, attribution_events
--
-- A journey changes when an event of its session comes, and every event passes the queue: allocations need not change with it.

CREATE OR REPLACE FUNCTION attribution.unfolded_conversions(p_tenant uuid, p_with_queue boolean DEFAULT true)
RETURNS uuid[]
LANGUAGE plpgsql
STABLE
SET jit = off
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM attribution.summary_states AS s
        WHERE s.tenant_id = p_tenant AND s.book_rule_ids = attribution.book_rule_ids(p_tenant)
    ) THEN
        RETURN ARRAY(
            SELECT e.id FROM attribution.attribution_events AS e WHERE e.tenant_id = p_tenant AND e.event_kind = 'conversion'
        );
    END IF;
    RETURN ARRAY(
        SELECT c.id
        FROM (
            SELECT DISTINCT e.session_id
            FROM (
                SELECT i.id
                FROM attribution.unfolded_changes AS u
                CROSS JOIN LATERAL unnest(u.event_ids) AS i (id)
                WHERE u.tenant_id = p_tenant
                UNION ALL
                SELECT i.id
                FROM attribution.work_queue AS q
                CROSS JOIN LATERAL unnest(q.event_ids) AS i (id)
                WHERE q.tenant_id = p_tenant AND p_with_queue
            ) AS n
            CROSS JOIN LATERAL (
                SELECT x.session_id
                FROM attribution.attribution_events AS x
                WHERE x.tenant_id = p_tenant AND x.id = n.id AND x.event_kind IN ('touch', 'conversion', 'milestone')
                OFFSET 0
            ) AS e
        ) AS s
        CROSS JOIN LATERAL (
            SELECT x.id
            FROM attribution.attribution_events AS x
            WHERE x.tenant_id = p_tenant AND x.session_id = s.session_id AND x.event_kind = 'conversion'
            OFFSET 0
        ) AS c
    );
END
$$;

ALTER FUNCTION attribution.unfolded_conversions(uuid, boolean) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.unfolded_conversions(uuid, boolean) IS
'The conversions whose journey is not in conversion_paths, or may have changed since.';

REVOKE ALL ON FUNCTION attribution.unfolded_conversions(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.unfolded_conversions(uuid, boolean)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
