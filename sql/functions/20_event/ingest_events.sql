-- ingest_events(p_events): send events as a JSON array, and learn what became of each.
--
-- p_events  array of objects with the columns of attribution_events as keys (see parse_event())
-- Returns   one row per element, in order: number (from 1), status accepted, duplicate or quarantined, event_id (of the
--           accepted event, or of the one it is a duplicate of), dead_event_id, error_code, error_message
-- Errors    RA002 no tenant in context; RA009 login bound to another; 22023 p_events is no array; RA010 in raise mode
-- Writes    attribution_events, as a plain INSERT does; dead_events
-- SECURITY DEFINER: an app may not write dead_events, where what cannot be made a row goes. The tenant is the context's.

CREATE OR REPLACE FUNCTION attribution.ingest_events(p_events jsonb)
RETURNS TABLE (
    number int,
    status text,
    event_id uuid,
    dead_event_id uuid,
    error_code text,
    error_message text
)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
AS $$
DECLARE
    v_tenant uuid;
    v_events jsonb;
    v_parsed attribution.parsed_event[];
    v_accepted uuid[];
BEGIN
    IF jsonb_typeof(p_events) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the events are not a JSON array',
            DETAIL = format('Got %s.', coalesce(jsonb_typeof(p_events), 'null')),
            HINT = 'Give [{"event_type": "click", "session_id": "…", …}, …], or one event to ingest_event().';
    END IF;
    v_tenant := attribution.assert_context();

    PERFORM set_config('attribution.source', 'ingest', true); -- what dead_events say of how they came

    -- Every event gets its id here, by which it is known below.
    SELECT coalesce(jsonb_agg(
        CASE jsonb_typeof(e.sent) WHEN 'object' THEN e.sent ELSE jsonb_build_object('not_an_object', e.sent) END
        || CASE WHEN coalesce(e.sent ->> 'id', '') = '' THEN jsonb_build_object('id', attribution.uuid_v7()) ELSE '{}' END
        ORDER BY e.place
    ), '[]') INTO v_events
    FROM jsonb_array_elements(p_events) WITH ORDINALITY AS e (sent, place);

    v_parsed := ARRAY(
        SELECT attribution.parse_event(e.sent)
        FROM jsonb_array_elements(v_events) WITH ORDINALITY AS e (sent, place)
        ORDER BY e.place
    );

    PERFORM attribution.quarantine_event(
        p.event, p.error_code, p.error_message, p.error_column, p.error_hint, v_events -> (p.place - 1)::int
    )
    FROM unnest(v_parsed) WITH ORDINALITY AS p (event, error_code, error_message, error_column, error_hint, place)
    WHERE p.error_code IS NOT NULL;

    WITH inserted AS (
        INSERT INTO attribution.attribution_events (
            tenant_id, id, event_type, session_id, occurred_at, idempotency_key, external_event_id, correlation_id, channel,
            campaign_id, partner_id, partner_role, weight, conversion_value_cents, currency, transaction_id, raw_payload
        )
        SELECT
            v_tenant, (p.event).id, (p.event).event_type, (p.event).session_id, (p.event).occurred_at,
            (p.event).idempotency_key, (p.event).external_event_id, (p.event).correlation_id, (p.event).channel,
            (p.event).campaign_id, (p.event).partner_id, (p.event).partner_role, (p.event).weight,
            (p.event).conversion_value_cents, (p.event).currency, (p.event).transaction_id, (p.event).raw_payload
        FROM unnest(v_parsed) WITH ORDINALITY AS p (event, error_code, error_message, error_column, error_hint, place)
        WHERE p.error_code IS NULL
        ORDER BY (p.event).idempotency_key, p.place -- senders of the same keys meet in one order
        RETURNING id
    )
    SELECT array_agg(i.id) INTO v_accepted FROM inserted AS i;

    RETURN QUERY
    WITH sent AS (
        SELECT
            p.place::int AS place, (p.event).id AS id, (p.event).idempotency_key AS key,
            row_number() OVER (PARTITION BY (p.event).id ORDER BY p.place) AS turn
        FROM unnest(v_parsed) WITH ORDINALITY AS p (event, error_code, error_message, error_column, error_hint, place)
    ),
    judged AS (
        SELECT
            s.place, s.key, k.event_id,
            CASE
                WHEN s.id = ANY (v_accepted) AND s.turn = 1 THEN 'accepted'
                WHEN k.event_id IS NOT NULL THEN 'duplicate'
                ELSE 'quarantined'
            END AS status
        FROM sent AS s
        LEFT JOIN attribution.event_keys AS k ON k.tenant_id = v_tenant AND k.idempotency_key = s.key
    )
    SELECT j.place, j.status, j.event_id, d.id, d.error_code, d.error_message
    FROM judged AS j
    LEFT JOIN LATERAL (
        SELECT x.id, x.error_code, x.error_message
        FROM attribution.dead_events AS x
        WHERE x.tenant_id = v_tenant AND x.idempotency_key = attribution.dead_letter_key(j.key)
        ORDER BY x.id DESC
        LIMIT 1
    ) AS d ON j.status = 'quarantined'
    ORDER BY j.place;
    PERFORM set_config('attribution.source', '', true);
END
$$;

ALTER FUNCTION attribution.ingest_events(jsonb) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.ingest_events(jsonb) IS
'Sends events as a JSON array; answers per event accepted, duplicate or quarantined, with ids and error codes. Errors: RA002 no context, RA009 login bound to another, 22023 no array, RA010 in raise mode.';

REVOKE ALL ON FUNCTION attribution.ingest_events(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.ingest_events(jsonb) TO attribution_app, attribution_admin;
