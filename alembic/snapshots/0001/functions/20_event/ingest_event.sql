-- ingest_event(p_event): send one event as JSON, and learn what became of it.
--
-- p_event  see ingest_events()
-- Returns  status accepted, duplicate or quarantined; event_id, dead_event_id, error_code, error_message
-- Errors   see ingest_events()

CREATE OR REPLACE FUNCTION attribution.ingest_event(p_event jsonb)
RETURNS TABLE (
    status text,
    event_id uuid,
    dead_event_id uuid,
    error_code text,
    error_message text
)
LANGUAGE sql
VOLATILE
AS $$
    SELECT i.status, i.event_id, i.dead_event_id, i.error_code, i.error_message
    FROM attribution.ingest_events(jsonb_build_array(p_event)) AS i
$$;

ALTER FUNCTION attribution.ingest_event(jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.ingest_event(jsonb) IS
'Sends one event as JSON; answers accepted, duplicate or quarantined, with ids and error code. Errors: see ingest_events().';

REVOKE ALL ON FUNCTION attribution.ingest_event(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.ingest_event(jsonb) TO attribution_app, attribution_admin;
