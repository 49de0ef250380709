-- parse_event(p_sent): an event sent as JSON as a row of attribution_events.
--
-- p_sent   an object with the columns' names as keys; other keys are added to raw_payload, so that nothing is lost
-- Returns  parsed_event: the row, unparsable columns null; error_code and its message, column and hint when one is unparsable.
--          The idempotency key has its default; times without a
--          zone are UTC.

CREATE OR REPLACE FUNCTION attribution.parse_event(p_sent jsonb)
RETURNS attribution.parsed_event
LANGUAGE plpgsql
STABLE
SET timezone = 'UTC'
AS $$
DECLARE
    v_parsed attribution.parsed_event;
    v_columns constant text[] := ARRAY[
        'id', 'event_type', 'session_id', 'occurred_at', 'idempotency_key', 'external_event_id', 'correlation_id', 'channel',
        'campaign_id', 'partner_id', 'partner_role', 'weight', 'conversion_value_cents', 'currency', 'transaction_id',
        'raw_payload'
    ];
    v_uuid constant text := '^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$';
    v_number constant text := '^-?[0-9]{1,20}(\.[0-9]{1,20})?$';
BEGIN
    v_parsed.event.tenant_id := attribution.current_tenant();
    v_parsed.event.event_type := p_sent ->> 'event_type';
    v_parsed.event.external_event_id := nullif(p_sent ->> 'external_event_id', '');
    v_parsed.event.correlation_id := nullif(p_sent ->> 'correlation_id', '');
    v_parsed.event.idempotency_key := coalesce(
        nullif(p_sent ->> 'idempotency_key', ''), (v_parsed.event).external_event_id, (v_parsed.event).correlation_id, p_sent ->> 'id'
    );
    v_parsed.event.channel := p_sent ->> 'channel';
    v_parsed.event.campaign_id := p_sent ->> 'campaign_id';
    v_parsed.event.partner_id := p_sent ->> 'partner_id';
    v_parsed.event.partner_role := p_sent ->> 'partner_role';
    v_parsed.event.currency := p_sent ->> 'currency';
    v_parsed.event.transaction_id := p_sent ->> 'transaction_id';
    v_parsed.event.raw_payload := nullif(p_sent -> 'raw_payload', 'null');
    IF p_sent - v_columns <> '{}' AND coalesce(jsonb_typeof((v_parsed.event).raw_payload), 'object') = 'object' THEN
        v_parsed.event.raw_payload := coalesce((v_parsed.event).raw_payload, '{}') || (p_sent - v_columns);
    END IF;
    v_parsed.event.occurred_at_known := false;

    IF coalesce(p_sent ->> 'id', '') ~ v_uuid THEN
        v_parsed.event.id := (p_sent ->> 'id')::uuid;
    ELSIF coalesce(p_sent ->> 'id', '') <> '' THEN
        v_parsed.error_column := 'id';
    END IF;
    IF coalesce(p_sent ->> 'session_id', '') ~ v_uuid THEN
        v_parsed.event.session_id := (p_sent ->> 'session_id')::uuid;
    ELSIF coalesce(p_sent ->> 'session_id', '') <> '' THEN
        v_parsed.error_column := 'session_id';
    END IF;
    IF v_parsed.error_column IS NOT NULL THEN
        v_parsed.error_code := 'INVALID_VALUE';
        v_parsed.error_message := format(
            '%s %L is not a UUID', v_parsed.error_column, attribution.mask_text(left(p_sent ->> v_parsed.error_column, 100))
        );
        v_parsed.error_hint := 'Send a UUID; of another id, make one: uuid_generate_v5, or md5(id)::uuid.';
        RETURN v_parsed;
    END IF;

    IF coalesce(p_sent ->> 'conversion_value_cents', '') <> '' THEN
        IF p_sent ->> 'conversion_value_cents' ~ '^-?[0-9]{1,19}(\.0+)?$'
            AND (p_sent ->> 'conversion_value_cents')::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
            v_parsed.event.conversion_value_cents := (p_sent ->> 'conversion_value_cents')::numeric::bigint;
        ELSE
            v_parsed.error_column := 'conversion_value_cents';
        END IF;
    END IF;
    IF coalesce(p_sent ->> 'weight', '') <> '' THEN
        IF p_sent ->> 'weight' ~ v_number THEN
            v_parsed.event.weight := (p_sent ->> 'weight')::numeric::double precision;
        ELSE
            v_parsed.error_column := 'weight';
        END IF;
    END IF;
    IF v_parsed.error_column IS NOT NULL THEN
        v_parsed.error_code := 'INVALID_VALUE';
        v_parsed.error_message := format(
            '%s %L is not a number that it may be', v_parsed.error_column, left(p_sent ->> v_parsed.error_column, 100)
        );
        v_parsed.error_hint := 'Send whole minor units (1999 for 19.99 USD), and a weight from 0 to 1e15.';
        RETURN v_parsed;
    END IF;

    IF coalesce(p_sent ->> 'occurred_at', '') <> '' THEN
        v_parsed.event.occurred_at_known := true;
        BEGIN
            v_parsed.event.occurred_at := (
                CASE jsonb_typeof(p_sent -> 'occurred_at') WHEN 'string' THEN p_sent ->> 'occurred_at' ELSE 'not a text' END
            )::timestamptz;
        EXCEPTION
            WHEN invalid_datetime_format OR datetime_field_overflow OR invalid_parameter_value OR feature_not_supported THEN
                v_parsed.error_code := 'INVALID_TIMESTAMP';
                v_parsed.error_column := 'occurred_at';
                v_parsed.error_message := format(
                    'occurred_at %L is not a time', attribution.mask_text(left(p_sent ->> 'occurred_at', 100))
                );
                v_parsed.error_hint := 'Send ISO 8601 with a time zone, such as 2025-01-31T12:00:00Z.';
        END;
    END IF;
    RETURN v_parsed;
END
$$;

ALTER FUNCTION attribution.parse_event(jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.parse_event(jsonb) IS
'An event sent as JSON as a row of attribution_events, or what is wrong with it.';

REVOKE ALL ON FUNCTION attribution.parse_event(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.parse_event(jsonb) TO attribution_engine;
