-- schedule_jobs(): let pg_cron call run_pending() every minute in this database.
--
-- Returns  the names of the jobs; run again, it replaces them
-- Errors   0A000 the server has no pg_cron
-- Writes   cron.job, through pg_cron's own functions and with the caller's rights on them
--
-- Dynamic SQL, since the cron schema need not exist.

CREATE OR REPLACE FUNCTION attribution.schedule_jobs()
RETURNS text[]
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    v_job text := 'attribution_run_pending:' || current_database();
BEGIN
    IF to_regprocedure('cron.schedule(text, text, text)') IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'feature_not_supported',
            MESSAGE = 'this database has no pg_cron',
            DETAIL = 'The library is not preloaded, CREATE EXTENSION pg_cron was not run, or it lives in another database (cron.database_name).',
            HINT = format('Create the extension; or run in its database: SELECT cron.schedule_in_database(%L, ''* * * * *'', ''CALL attribution.run_pending(50)'', %L); or let a scheduler of yours run: ctl run --watch.',
                v_job, current_database());
    END IF;
    EXECUTE format('SELECT cron.schedule(%L, %L, %L)', v_job, '* * * * *', 'CALL attribution.run_pending(50)');
    RETURN ARRAY[v_job];
END
$$;

ALTER FUNCTION attribution.schedule_jobs() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.schedule_jobs() IS
'Lets pg_cron call run_pending() every minute in this database; returns the job names. Errors: 0A000 no pg_cron here.';

REVOKE ALL ON FUNCTION attribution.schedule_jobs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.schedule_jobs() TO attribution_admin;
