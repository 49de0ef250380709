-- open_reconciliation(p_tenant, p_source, p_kind, p_file_name, p_first_day, p_last_day): begin to compare a statement.
--
-- p_source     who reported: stripe, shopify, google_ads and so on; lower snake case
-- p_kind       processor (amounts by transaction) or ad_platform (claims by channel and day)
-- p_file_name  the statement's name; null where it has none
-- p_first_day  first and
-- p_last_day   last day to compare, in the tenant's time zone; null: the days that the statement is about
-- Returns      id of the run, in state idle
-- Errors       RA004, RA009 see assert_tenant(); 22023 a source, kind or period that is none
-- Writes       reconciliation_runs: also marks runs of the same source and kind that a lost client left behind
-- SECURITY DEFINER: nobody but the engine writes runs.
--
-- Commit after it, then: start_reconciliation(), commit, so that others see it running; in one transaction report_revenue(),
-- as often as need be, and compare_revenue(); if that fails, fail_reconciliation().

CREATE OR REPLACE FUNCTION attribution.open_reconciliation(
    p_tenant uuid,
    p_source text,
    p_kind text,
    p_file_name text DEFAULT NULL,
    p_first_day date DEFAULT NULL,
    p_last_day date DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_problem text;
    v_run_id uuid;
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    v_problem := CASE
        WHEN NOT coalesce(p_source ~ '^[a-z][a-z0-9_]{0,62}$', false) THEN format('%L is not the name of a source', left(p_source, 100))
        WHEN p_kind IS NULL OR p_kind NOT IN ('processor', 'ad_platform') THEN format('%L is not a kind of source', left(p_kind, 100))
        WHEN octet_length(p_file_name) NOT BETWEEN 1 AND 512 THEN 'the file name has not 1 to 512 bytes'
        WHEN NOT isfinite(p_first_day) OR NOT isfinite(p_last_day) OR p_first_day > p_last_day
            THEN format('%s to %s is no period', p_first_day, p_last_day)
    END;
    IF v_problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = v_problem,
            DETAIL = 'No run was opened.',
            HINT = 'A source is lower snake case, such as stripe; its kind is processor or ad_platform; the first day is not after the last.';
    END IF;

    UPDATE attribution.reconciliation_runs AS r
    SET state = 'error', finished_at = v_now, last_error = 'abandoned: its client went away before it was done'
    WHERE r.tenant_id = p_tenant AND r.id IN (
        SELECT i.id
        FROM attribution.reconciliation_runs AS i
        WHERE i.tenant_id = p_tenant AND i.source = p_source AND i.kind = p_kind AND i.state IN ('idle', 'running')
        FOR UPDATE SKIP LOCKED -- one that is at work is locked
    );

    INSERT INTO attribution.reconciliation_runs (tenant_id, source, kind, file_name, period_from, period_to, started_at)
    SELECT
        p_tenant, p_source, p_kind, p_file_name, p_first_day::timestamp AT TIME ZONE t.time_zone,
        (p_last_day + 1)::timestamp AT TIME ZONE t.time_zone, v_now
    FROM attribution.tenants AS t
    WHERE t.id = p_tenant
    RETURNING id INTO v_run_id;
    RETURN v_run_id;
END
$$;

ALTER FUNCTION attribution.open_reconciliation(uuid, text, text, text, date, date) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.open_reconciliation(uuid, text, text, text, date, date) IS
'Opens a run that compares a statement with the ledger; returns its id. Errors: RA004 unknown tenant, RA009 login bound to another, 22023 no source, kind or period.';

REVOKE ALL ON FUNCTION attribution.open_reconciliation(uuid, text, text, text, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.open_reconciliation(uuid, text, text, text, date, date) TO attribution_admin;
