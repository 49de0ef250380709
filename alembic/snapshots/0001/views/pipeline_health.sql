-- pipeline_health: is anything waiting, failing or dead?

CREATE OR REPLACE VIEW attribution.pipeline_health
WITH (security_invoker = true)
AS
SELECT
    t.id AS tenant_id,
    q.queue_depth,
    q.oldest_queued_seconds,
    p.pending,
    p.failed,
    p.dead,
    p.unposted_refunds,
    d.dead_letters,
    p.over_refunds,
    f.lines_without_rate
FROM attribution.tenants AS t
CROSS JOIN LATERAL (
    SELECT
        count(*) AS queue_depth,
        coalesce(round(extract(epoch FROM clock_timestamp() - min(w.enqueued_at)), 3), 0) AS oldest_queued_seconds
    FROM attribution.work_queue AS w
    WHERE w.tenant_id = t.id
) AS q
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE s.processing_status = 'pending' AND e.event_kind = 'conversion') AS pending,
        count(*) FILTER (WHERE s.processing_status = 'failed') AS failed,
        count(*) FILTER (WHERE s.processing_status = 'dead') AS dead,
        count(*) FILTER (WHERE e.event_kind = 'refund') AS unposted_refunds,
        count(*) FILTER (WHERE s.last_error LIKE 'RA007: OVER_REFUND%') AS over_refunds
    FROM attribution.event_processing AS s
    JOIN attribution.attribution_events AS e ON e.tenant_id = s.tenant_id AND e.id = s.event_id
    WHERE s.tenant_id = t.id AND s.processing_status <> 'processed'
) AS p
CROSS JOIN LATERAL (
    SELECT count(*) AS dead_letters
    FROM attribution.dead_events AS x
    WHERE x.tenant_id = t.id AND x.remediation_status IN ('pending', 'retrying')
) AS d
CROSS JOIN LATERAL (
    SELECT count(*) AS lines_without_rate
    FROM attribution.unconverted_lines AS u
    WHERE u.tenant_id = t.id
) AS f;

ALTER VIEW attribution.pipeline_health OWNER TO attribution_owner;

COMMENT ON VIEW attribution.pipeline_health IS
'What operators watch: queue depth and age, conversions and refunds not processed, dead events not yet dealt with.';
COMMENT ON COLUMN attribution.pipeline_health.tenant_id IS 'Tenant.';
COMMENT ON COLUMN attribution.pipeline_health.queue_depth IS 'Statements whose events run_pending() has not taken into account yet.';
COMMENT ON COLUMN attribution.pipeline_health.oldest_queued_seconds IS 'Age of the oldest of them in seconds; 0 when none.';
COMMENT ON COLUMN attribution.pipeline_health.pending IS 'Conversions not yet worked on.';
COMMENT ON COLUMN attribution.pipeline_health.failed IS 'Conversions and refunds that failed and will be retried.';
COMMENT ON COLUMN attribution.pipeline_health.dead IS 'Conversions and refunds given up; see event_processing.last_error.';
COMMENT ON COLUMN attribution.pipeline_health.unposted_refunds IS 'Refunds and chargebacks not in the ledger: their sale has not come, or they were refused.';
COMMENT ON COLUMN attribution.pipeline_health.over_refunds IS 'Of these, refused because they exceed what is left of their sale (RA007).';
COMMENT ON COLUMN attribution.pipeline_health.lines_without_rate IS 'Ledger lines without US dollars, since no exchange rate is known; see unconverted_lines.';
COMMENT ON COLUMN attribution.pipeline_health.dead_letters IS 'Dead events neither resolved nor discarded.';

REVOKE ALL ON attribution.pipeline_health FROM PUBLIC;
GRANT SELECT ON attribution.pipeline_health TO attribution_app, attribution_reader, attribution_admin;
