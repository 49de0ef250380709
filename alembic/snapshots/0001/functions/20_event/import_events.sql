-- import_events(p_tenant, p_name, p_fingerprint, p_after, p_position, p_lines, p_digest, p_events, p_unparsable): one batch
-- of a file, and how far the file is now imported, in one transaction.
--
-- p_name         with p_fingerprint: which file (see import_sources)
-- p_after        where the batch begins; it must be where the last one ended
-- p_position     where it ends; p_lines lines up to there, p_digest the SHA-256 of the bytes up to there
-- p_events       as of ingest_events()
-- p_unparsable   array of {"line", "error", "unparsable"}: lines that are no event, as text or as columns and values
-- Returns        verdicts on p_events, as of ingest_events()
-- Errors         RA004, RA009 see assert_tenant(); 55000 the file is not imported up to p_after, or further
-- Writes         import_sources; attribution_events as a plain INSERT does; dead_events
-- SECURITY DEFINER: an app may write neither dead_events nor import_sources. The tenant is put in context for the while.

CREATE OR REPLACE FUNCTION attribution.import_events(
    p_tenant uuid,
    p_name text,
    p_fingerprint text,
    p_after bigint,
    p_position bigint,
    p_lines bigint,
    p_digest text,
    p_events jsonb,
    p_unparsable jsonb DEFAULT '[]'
)
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
    v_context text := coalesce(current_setting('app.current_tenant_id', true), '');
    v_mode text := coalesce(current_setting('attribution.on_invalid', true), '');
    v_position bigint;
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    INSERT INTO attribution.import_sources (tenant_id, name, fingerprint)
    VALUES (p_tenant, p_name, p_fingerprint)
    ON CONFLICT DO NOTHING;
    SELECT s.position INTO v_position
    FROM attribution.import_sources AS s
    WHERE s.tenant_id = p_tenant AND s.name = p_name AND s.fingerprint = p_fingerprint
    FOR UPDATE;
    IF v_position IS DISTINCT FROM p_after OR p_position IS NULL OR p_position < p_after THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'the batch does not begin where the import has come to',
            DETAIL = format('It goes from byte %s to %s; %L is imported up to byte %s.', p_after, p_position, p_name, v_position),
            HINT = 'Is the same file being imported by somebody else? Start again: the import goes on where it is.';
    END IF;

    PERFORM set_config('attribution.source', 'ingest', true);
    EXECUTE format('SET LOCAL app.current_tenant_id = %L', p_tenant);
    SET LOCAL attribution.on_invalid = 'quarantine'; -- as a SET clause it would take a superuser to create the function
    PERFORM attribution.quarantine_event(
        jsonb_populate_record(NULL::attribution.attribution_events, jsonb_build_object(
            'tenant_id', p_tenant, 'idempotency_key', format('%s %s line %s', p_name, p_fingerprint, u.line ->> 'line')
        )),
        'INVALID_VALUE', format('line %s is no event: %s', u.line ->> 'line', u.line ->> 'error'), 'line',
        'Correct the line and send it again; then discard this.',
        jsonb_build_object('unparsable', CASE jsonb_typeof(u.line -> 'unparsable')
            WHEN 'string' THEN to_jsonb(attribution.mask_line(u.line ->> 'unparsable'))
            ELSE attribution.mask_pii(u.line -> 'unparsable')
        END)
    )
    FROM jsonb_array_elements(p_unparsable) AS u (line);

    RETURN QUERY
    WITH verdicts AS MATERIALIZED (
        SELECT i.* FROM attribution.ingest_events(p_events) AS i
    ),
    counted AS (
        SELECT
            count(*) FILTER (WHERE v.status = 'accepted') AS accepted,
            count(*) FILTER (WHERE v.status = 'duplicate') AS duplicates,
            count(*) FILTER (WHERE v.status = 'quarantined') AS quarantined
        FROM verdicts AS v
    ),
    moved AS (
        UPDATE attribution.import_sources AS s
        SET
            position = p_position, lines = p_lines, digest = p_digest, updated_at = clock_timestamp(),
            accepted = s.accepted + c.accepted, duplicates = s.duplicates + c.duplicates,
            -- Half a line at the end of the file is set aside, but not taken in: the rest may follow.
            quarantined = s.quarantined + c.quarantined + (
                SELECT count(*) FROM jsonb_array_elements(p_unparsable) AS u (line)
                WHERE (u.line ->> 'line')::bigint <= p_lines
            )
        FROM counted AS c
        WHERE s.tenant_id = p_tenant AND s.name = p_name AND s.fingerprint = p_fingerprint
    )
    SELECT v.* FROM verdicts AS v ORDER BY v.number;
    EXECUTE format('SET LOCAL app.current_tenant_id = %L', v_context);
    EXECUTE format('SET LOCAL attribution.on_invalid = %L', v_mode);
END
$$;

ALTER FUNCTION attribution.import_events(uuid, text, text, bigint, bigint, bigint, text, jsonb, jsonb) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.import_events(uuid, text, text, bigint, bigint, bigint, text, jsonb, jsonb) IS
'Takes in one batch of a file and remembers how far the file is imported, in one transaction; answers as ingest_events(). Errors: RA004 unknown tenant, RA009 login bound to another, 55000 not where the import has come to.';

REVOKE ALL ON FUNCTION attribution.import_events(uuid, text, text, bigint, bigint, bigint, text, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.import_events(uuid, text, text, bigint, bigint, bigint, text, jsonb, jsonb)
TO attribution_app, attribution_admin;
