-- conversions_affected_by(p_tenant, p_event_ids): the conversions whose journeys, or whose refunds, the given events may change.
--
-- p_event_ids events of any kind
-- Returns     in ascending order: the conversions among them, and those of an event's session that are not older than it;
--             all of the session where a rule counts touches after the sale (cutoff first_contact). Conversions that wait
--             for a retry are left to it. For each, and for each refund and dispute, every conversion of its transaction.
-- Reads       attribution_events, attribution_rules, event_processing

CREATE OR REPLACE FUNCTION attribution.conversions_affected_by(p_tenant uuid, p_event_ids uuid[])
RETURNS uuid[]
LANGUAGE sql
STABLE
AS $$
    WITH events AS MATERIALIZED (
        SELECT e.id, e.event_kind, e.session_id, e.occurred_at
        FROM unnest(p_event_ids) AS k (id)
        CROSS JOIN LATERAL (
            SELECT x.*
            FROM attribution.attribution_events AS x
            WHERE x.tenant_id = p_tenant AND x.id = k.id
            OFFSET 0
        ) AS e
    ),
    sessions AS (
        SELECT e.session_id, min(e.occurred_at) AS since
        FROM events AS e
        WHERE e.event_kind IN ('touch', 'conversion', 'milestone')
        GROUP BY e.session_id
    ),
    affected AS (
        SELECT c.id
        FROM sessions AS s
        CROSS JOIN LATERAL (
            SELECT e.id
            FROM attribution.attribution_events AS e
            WHERE e.tenant_id = p_tenant AND e.session_id = s.session_id AND e.event_kind = 'conversion'
                AND (e.occurred_at >= s.since OR EXISTS (
                    SELECT
                    FROM attribution.attribution_rules AS r
                    WHERE r.tenant_id = p_tenant AND r.status = 'active' AND r.config ->> 'cutoff' = 'first_contact'
                ))
            OFFSET 0
        ) AS c
    )
    SELECT attribution.conversions_of(p_tenant, array_agg(x.id))
    FROM (
        SELECT a.id
        FROM affected AS a
        CROSS JOIN LATERAL (
            SELECT i.processing_status, i.next_retry_at
            FROM attribution.event_processing AS i
            WHERE i.tenant_id = p_tenant AND i.event_id = a.id
            OFFSET 0
        ) AS p
        WHERE p.processing_status <> 'failed' OR p.next_retry_at <= clock_timestamp()
        UNION ALL
        SELECT e.id FROM events AS e WHERE e.event_kind IN ('refund', 'dispute')
    ) AS x
$$;

ALTER FUNCTION attribution.conversions_affected_by(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.conversions_affected_by(uuid, uuid[]) IS
'The conversions whose journeys, or whose refunds, the given events may change, in ascending order.';

REVOKE ALL ON FUNCTION attribution.conversions_affected_by(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.conversions_affected_by(uuid, uuid[]) TO attribution_engine;
