-- quarantine_event(p_event, p_code, p_message, p_column, p_hint, p_sent): put a row that is not a valid fact into dead_events.
--
-- p_event   the row as sent
-- p_sent    the event as sent where it came as JSON and is no row yet; null for rows
-- p_code    error code (dead_events.error_code); p_message what is wrong; p_column where; p_hint what to do
-- Errors    RA010 instead, when attribution.on_invalid is 'raise'
-- Writes    dead_events; the same bad event sent again is not written again

CREATE OR REPLACE FUNCTION attribution.quarantine_event(
    p_event attribution.attribution_events,
    p_code text,
    p_message text,
    p_column text,
    p_hint text,
    p_sent jsonb DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_sent jsonb;
BEGIN
    IF current_setting('attribution.on_invalid', true) = 'raise' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA010',
            MESSAGE = format('%s: %s', p_code, p_message),
            DETAIL = format('Column %s of the event with idempotency key %s.', p_column,
                attribution.mask_text(left(p_event.idempotency_key, 512))),
            HINT = p_hint;
    END IF;

    -- What was sent as JSON is kept as it was; its payload is looked at like a column's.
    v_sent := attribution.mask_pii(p_sent - 'raw_payload', false);

    -- jsonb_build_object and not to_jsonb(p_event): that would spell out an oversized payload a second time.
    IF p_sent IS NULL THEN
        v_sent := jsonb_build_object(
            'id', p_event.id, 'event_type', p_event.event_type, 'session_id', p_event.session_id,
            'idempotency_key', p_event.idempotency_key, 'external_event_id', p_event.external_event_id,
            'correlation_id', p_event.correlation_id, 'channel', p_event.channel, 'campaign_id', p_event.campaign_id,
            'partner_id', p_event.partner_id, 'partner_role', p_event.partner_role, 'weight', p_event.weight,
            'conversion_value_cents', p_event.conversion_value_cents, 'currency', p_event.currency,
            'transaction_id', p_event.transaction_id
        ) || CASE WHEN p_event.occurred_at_known THEN jsonb_build_object('occurred_at', p_event.occurred_at) ELSE '{}' END;
        v_sent := attribution.mask_pii(jsonb_strip_nulls(v_sent), false);
    END IF;
    IF p_event.raw_payload IS NOT NULL THEN
        -- Kept where it can be spelled out; else what identifies it.
        v_sent := v_sent || jsonb_build_object('raw_payload', CASE
            WHEN p_code = 'INVALID_VALUE' AND p_column = 'raw_payload' AND jsonb_typeof(p_event.raw_payload) = 'object'
                OR pg_column_size(p_event.raw_payload) > 1048576 OR octet_length(p_event.raw_payload::text) > 1048576
                THEN jsonb_build_object('omitted', p_message, 'hash', jsonb_hash_extended(p_event.raw_payload, 0)::text)
            ELSE attribution.mask_pii(p_event.raw_payload)
        END);
    END IF;

    INSERT INTO attribution.dead_events (
        tenant_id, source, error_code, error_message, error_detail, raw_payload, idempotency_key, correlation_id,
        external_event_id, next_retry_at
    )
    VALUES (
        p_event.tenant_id, CASE current_setting('attribution.source', true) WHEN 'ingest' THEN 'ingest' ELSE 'insert' END,
        p_code, p_message,
        jsonb_build_object('column', p_column, 'hint', p_hint), v_sent,
        attribution.dead_letter_key(p_event.idempotency_key),
        attribution.mask_text(left(p_event.correlation_id, 512)), attribution.mask_text(left(p_event.external_event_id, 512)),
        -- What a new mapping mends is tried again by itself.
        CASE WHEN p_code IN ('UNKNOWN_CHANNEL', 'UNKNOWN_EVENT_TYPE', 'INVALID_CURRENCY') THEN clock_timestamp() + interval '1 hour' END
    )
    ON CONFLICT ON CONSTRAINT dead_events_once DO NOTHING;
END
$$;

ALTER FUNCTION attribution.quarantine_event(attribution.attribution_events, text, text, text, text, jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.quarantine_event(attribution.attribution_events, text, text, text, text, jsonb) IS
'Puts a row that is not a valid fact into dead_events, personal data masked; raises RA010 when attribution.on_invalid is raise.';

REVOKE ALL ON FUNCTION attribution.quarantine_event(attribution.attribution_events, text, text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.quarantine_event(attribution.attribution_events, text, text, text, text, jsonb)
TO attribution_engine;
