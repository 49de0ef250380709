-- report_revenue(p_tenant, p_run_id, p_rows): store rows of a statement, all or none.
--
-- p_rows   array of objects with texts: line (of the file), key (what tells the row from others: the reporter's id; default
--          a digest of the row), amount (major units, signed: money that comes in is positive) or amount_minor, currency, and
--          of a processor transaction_id and date (a time, or a day of the tenant's zone; absent: not known),
--          of an ad platform channel (a code or an alias) and date (a day)
-- Returns  rows stored
-- Errors   RA004 unknown tenant or run; RA009 the login is bound to another tenant; 55000 the run is not running;
--          22023 a row that won't do: MESSAGE says "line N, column NAME: …", COLUMN the name, DETAIL up to five more
-- Writes   reported_revenue; the run stays locked until the transaction ends
-- SECURITY DEFINER: nobody but the engine writes what was reported.

CREATE OR REPLACE FUNCTION attribution.report_revenue(p_tenant uuid, p_run_id uuid, p_rows jsonb)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_run attribution.reconciliation_runs;
    v_stored bigint;
    v_column text;
    v_problems text[];
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    v_run := attribution.lock_reconciliation(p_tenant, p_run_id, 'running');
    IF jsonb_typeof(p_rows) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the rows are no array',
            DETAIL = 'Nothing was stored.',
            HINT = 'Give [{"line": 2, "transaction_id": "order-1", "amount": "12.50", "currency": "EUR", "date": "2026-01-31"}].';
    END IF;

    WITH parsed AS MATERIALIZED (
        SELECT s.* FROM attribution.parse_statement(p_tenant, p_run_id, p_rows) AS s
    ),
    wrong AS MATERIALIZED (
        SELECT p.column_name, format('line %s, column %s: %s', p.line, p.column_name, p.problem) AS problem, p.line
        FROM parsed AS p
        WHERE p.problem IS NOT NULL
        ORDER BY p.line
        LIMIT 6
    ),
    stored AS (
        INSERT INTO attribution.reported_revenue (
            tenant_id, run_id, source, kind, line, row_key, transaction_id, channel_code, day, occurred_at, amount_cents, currency
        )
        SELECT
            p_tenant, p_run_id, v_run.source, v_run.kind, p.line, p.row_key, p.transaction_id, p.channel_code, p.day,
            p.occurred_at, p.amount_cents, p.currency
        FROM parsed AS p
        WHERE NOT EXISTS (SELECT FROM wrong)
        RETURNING 1
    )
    SELECT
        (SELECT count(*) FROM stored),
        (SELECT w.column_name FROM wrong AS w ORDER BY w.line LIMIT 1),
        (SELECT array_agg(w.problem ORDER BY w.line) FROM wrong AS w)
    INTO v_stored, v_column, v_problems;
    IF v_problems IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = v_problems[1],
            DETAIL = array_to_string(v_problems[2:] || 'Nothing was stored.'::text, E'\n'),
            HINT = 'Correct the statement, or what its columns are taken for, and reconcile it again.',
            COLUMN = v_column;
    END IF;
    RETURN v_stored;
END
$$;

ALTER FUNCTION attribution.report_revenue(uuid, uuid, jsonb) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.report_revenue(uuid, uuid, jsonb) IS
'Stores rows of a statement for a running reconciliation, all or none; returns how many. Errors: 22023 a row that wont do, RA004 unknown tenant or run, RA009, 55000.';

REVOKE ALL ON FUNCTION attribution.report_revenue(uuid, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.report_revenue(uuid, uuid, jsonb) TO attribution_admin;
