-- compare_revenue(p_tenant, p_run_id, p_is_partial): compare what was reported with the ledger, and end the run.
--
-- p_is_partial  the statement covers only a part of the sales: what it lacks is no difference
-- Returns       the run: completed (all matched, or claims stored) or failed (there are differences), with its counts
-- Errors        RA004 unknown tenant or run; RA009 the login is bound to another tenant; 55000 the run is not running;
--               22023 nothing to compare: no rows and no period
-- Reads         reported_revenue, revenue_ledger
-- Writes        revenue_verifications, reconciliation_runs
-- SECURITY DEFINER: nobody but the engine writes verifications.
--
-- The period is the one that the run was opened with, else the days, in the tenant's zone, from the statement's first row to
-- its last. Where a row has no date there is none: then all of the ledger's lines of the statement's transactions count,
-- and none is missing in the report. Otherwise rows and lines outside the period are left alone. What a reversal takes
-- back to nothing is not in the ledger; rows of 0 alone are no movement that it could lack.

CREATE OR REPLACE FUNCTION attribution.compare_revenue(p_tenant uuid, p_run_id uuid, p_is_partial boolean DEFAULT false)
RETURNS attribution.reconciliation_runs
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_run attribution.reconciliation_runs;
    v_zone text;
    v_is_spanned boolean;
    v_from timestamptz;
    v_to timestamptz;
BEGIN
    PERFORM attribution.assert_tenant(p_tenant);
    v_run := attribution.lock_reconciliation(p_tenant, p_run_id, 'running');
    v_zone := (SELECT t.time_zone FROM attribution.tenants AS t WHERE t.id = p_tenant);
    SELECT
        count(*), bool_and(r.at IS NOT NULL) AND num_nulls(v_run.period_from, v_run.period_to) = 2,
        min(r.at)::date::timestamp AT TIME ZONE v_zone, (max(r.at)::date + 1)::timestamp AT TIME ZONE v_zone
    INTO v_run.reported_rows, v_is_spanned, v_from, v_to
    FROM (
        SELECT coalesce(i.day::timestamp, i.occurred_at AT TIME ZONE v_zone) AS at
        FROM attribution.reported_revenue AS i
        WHERE i.tenant_id = p_tenant AND i.run_id = p_run_id
    ) AS r;
    IF v_is_spanned THEN
        v_run.period_from := v_from;
        v_run.period_to := v_to;
    ELSIF v_run.reported_rows = 0 AND num_nulls(v_run.period_from, v_run.period_to) = 2 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'there is nothing to compare: the statement has no rows, and no period is given',
            DETAIL = 'Nothing was stored.',
            HINT = 'If nothing happened in a period, name its first and last day.';
    END IF;
    v_run.finished_at := clock_timestamp();

    WITH bounds AS MATERIALIZED (
        SELECT
            coalesce(v_run.period_from, '-infinity') AS start, coalesce(v_run.period_to, 'infinity') AS finish,
            NOT p_is_partial AND num_nonnulls(v_run.period_from, v_run.period_to) > 0 AS is_whole
    ),
    reported AS MATERIALIZED (
        SELECT r.transaction_id, r.currency, sum(r.amount_cents) AS cents, bool_or(r.amount_cents <> 0) AS is_moved
        FROM attribution.reported_revenue AS r
        CROSS JOIN bounds AS b
        WHERE r.tenant_id = p_tenant AND r.run_id = p_run_id AND r.kind = 'processor'
            AND coalesce(r.occurred_at >= b.start AND r.occurred_at < b.finish, true)
        GROUP BY r.transaction_id, r.currency
    ),
    booked AS MATERIALIZED (
        SELECT e.transaction_id, e.currency, sum(e.cents) AS cents
        FROM (
            SELECT l.transaction_id, l.currency, l.event_id, sum(l.amount_cents) AS cents
            FROM attribution.revenue_ledger AS l
            CROSS JOIN bounds AS b
            WHERE l.tenant_id = p_tenant AND v_run.kind = 'processor' AND l.occurred_at >= b.start AND l.occurred_at < b.finish
            GROUP BY l.transaction_id, l.currency, l.event_id
            HAVING sum(l.amount_cents) <> 0
        ) AS e
        GROUP BY e.transaction_id, e.currency
    ),
    verified AS (
        INSERT INTO attribution.revenue_verifications (
            tenant_id, run_id, source, transaction_id, currency, status, reported_cents, ledger_cents, verified_at
        )
        SELECT
            p_tenant, p_run_id, v_run.source, transaction_id, currency,
            CASE
                WHEN l.cents IS NULL THEN 'missing_in_ledger'
                WHEN r.cents IS NULL THEN 'missing_in_report'
                WHEN l.cents = r.cents THEN 'matched'
                ELSE 'amount_mismatch'
            END,
            r.cents, l.cents, v_run.finished_at
        FROM reported AS r
        FULL JOIN booked AS l USING (transaction_id, currency)
        CROSS JOIN bounds AS b
        WHERE CASE WHEN r.cents IS NULL THEN b.is_whole ELSE r.is_moved OR l.cents IS NOT NULL END
        RETURNING status
    )
    SELECT
        count(*) FILTER (WHERE v.status = 'matched'), count(*) FILTER (WHERE v.status = 'amount_mismatch'),
        count(*) FILTER (WHERE v.status = 'missing_in_ledger'), count(*) FILTER (WHERE v.status = 'missing_in_report')
    INTO v_run.matched, v_run.amount_mismatch, v_run.missing_in_ledger, v_run.missing_in_report
    FROM verified AS v;

    v_run.state := CASE
        WHEN v_run.amount_mismatch + v_run.missing_in_ledger + v_run.missing_in_report > 0 THEN 'failed'
        ELSE 'completed'
    END;
    UPDATE attribution.reconciliation_runs AS r
    SET
        state = v_run.state, finished_at = v_run.finished_at, period_from = v_run.period_from, period_to = v_run.period_to,
        reported_rows = v_run.reported_rows, matched = v_run.matched, amount_mismatch = v_run.amount_mismatch,
        missing_in_ledger = v_run.missing_in_ledger, missing_in_report = v_run.missing_in_report
    WHERE r.tenant_id = p_tenant AND r.id = p_run_id;
    RETURN v_run;
END
$$;

ALTER FUNCTION attribution.compare_revenue(uuid, uuid, boolean) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.compare_revenue(uuid, uuid, boolean) IS
'Compares what a run reported with the ledger, by transaction and currency, and ends the run; returns it. Errors: RA004 unknown tenant or run, RA009, 55000, 22023 nothing to compare.';

REVOKE ALL ON FUNCTION attribution.compare_revenue(uuid, uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.compare_revenue(uuid, uuid, boolean) TO attribution_admin;
