-- record_failure(p_tenant, p_event_ids, …): note that events could not be processed, and when to try again.
--
-- p_sqlstate … p_hint the error
-- Writes  event_processing: failed with an exponential back-off (10 s, 20 s, 40 s … one hour at most), and dead after
--         settings.max_retries failures (8 when not set). The error is kept in either case.

CREATE OR REPLACE FUNCTION attribution.record_failure(
    p_tenant uuid,
    p_event_ids uuid[],
    p_sqlstate text,
    p_message text,
    p_detail text,
    p_hint text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_max_retries int := (
        SELECT coalesce((t.settings ->> 'max_retries')::int, 8) FROM attribution.tenants AS t WHERE t.id = p_tenant
    );
BEGIN
    UPDATE attribution.event_processing AS p
    SET
        processing_status = CASE WHEN p.retry_count + 1 >= v_max_retries THEN 'dead' ELSE 'failed' END,
        retry_count = p.retry_count + 1,
        next_retry_at = CASE
            WHEN p.retry_count + 1 < v_max_retries
                THEN v_now + least(interval '10 seconds' * power(2, least(p.retry_count, 20)), interval '1 hour')
        END,
        last_error = concat_ws(E'\n', p_sqlstate || ': ' || p_message, nullif(p_detail, ''), nullif(p_hint, ''))
    WHERE p.tenant_id = p_tenant AND p.event_id = ANY (p_event_ids);
END
$$;

ALTER FUNCTION attribution.record_failure(uuid, uuid[], text, text, text, text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.record_failure(uuid, uuid[], text, text, text, text) IS
'Notes that events could not be processed: failed with a back-off, dead after settings.max_retries failures; the error is kept.';

REVOKE ALL ON FUNCTION attribution.record_failure(uuid, uuid[], text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.record_failure(uuid, uuid[], text, text, text, text) TO attribution_engine;
