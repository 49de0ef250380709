-- import_fx_rates(p_rates, p_source, p_correct): store exchange rates, and have the sales that they change adjusted.
--
-- p_rates    array of {"date": "2026-01-31", "currency": "EUR", "rate": "1.0843"}: US dollars per unit of the currency
-- p_source   where they come from
-- p_correct  true: a rate that is known with another value is replaced; false: that is an error
-- Returns    rates that were new, corrected, and the same as known
-- Errors     22023 a rate that is none, an unknown currency, a day twice; RA008 a known rate differs; RA009 a bound login. DETAIL
--            names the element, from 1, and COLUMN its field. Nothing is stored then.
-- Writes     fx_rates; work_queue, so that run_pending() posts the adjustments
-- SECURITY DEFINER: rates are global, and so are the sales that they touch.

CREATE OR REPLACE FUNCTION attribution.import_fx_rates(p_rates jsonb, p_source text, p_correct boolean DEFAULT false)
RETURNS TABLE (added bigint, corrected bigint, known bigint)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = attribution, pg_temp
SET lock_timeout = '10s'
AS $$
DECLARE
    v_problem record;
BEGIN
    PERFORM attribution.assert_unbound();
    IF jsonb_typeof(p_rates) IS DISTINCT FROM 'array' OR coalesce(btrim(p_source), '') = '' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'rates are an array, and have a source',
            HINT = 'Give [{"date": "2026-01-31", "currency": "EUR", "rate": "1.0843"}] and where it comes from.';
    END IF;

    SELECT x.place, x.fault[1] AS field, x.fault[2] AS problem INTO v_problem
    FROM (
        SELECT
            r.place,
            CASE
                WHEN NOT attribution.is_day(r.rate ->> 'date')
                    THEN ARRAY['date', format('date %L is not a day (YYYY-MM-DD)', r.rate ->> 'date')]
                WHEN r.rate ->> 'currency' = 'USD' THEN ARRAY['currency', 'the US dollar has no rate to itself']
                WHEN NOT EXISTS (SELECT FROM attribution.currencies AS c WHERE c.code = r.rate ->> 'currency')
                    THEN ARRAY['currency', format('currency %L is not known', r.rate ->> 'currency')]
                WHEN NOT coalesce(r.rate ->> 'rate' ~ '^[0-9]{1,11}([.][0-9]{1,18})?$' AND r.rate ->> 'rate' ~ '[1-9]', false)
                    THEN ARRAY['rate', format('rate %L is not a positive number with a decimal point', r.rate ->> 'rate')]
                WHEN row_number() OVER (PARTITION BY r.rate ->> 'date', r.rate ->> 'currency' ORDER BY r.place) > 1
                    THEN ARRAY['date', format('%s has more than one rate for %s', r.rate ->> 'currency', r.rate ->> 'date')]
            END AS fault
        FROM jsonb_array_elements(p_rates) WITH ORDINALITY AS r (rate, place)
    ) AS x
    WHERE x.fault IS NOT NULL
    ORDER BY x.place
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = v_problem.problem,
            COLUMN = v_problem.field,
            DETAIL = format('Element %s; nothing was stored.', v_problem.place),
            HINT = 'Give date, currency and rate: US dollars per one unit of the currency.';
    END IF;

    LOCK TABLE attribution.fx_rates IN SHARE ROW EXCLUSIVE MODE; -- one importer at a time; readers go on
    SELECT x.place, x.currency, x.day, f.rate_to_usd, x.rate INTO v_problem
    FROM (
        SELECT r.place, r.rate ->> 'currency' AS currency, (r.rate ->> 'date')::date AS day, (r.rate ->> 'rate')::numeric AS rate
        FROM jsonb_array_elements(p_rates) WITH ORDINALITY AS r (rate, place)
    ) AS x
    JOIN attribution.fx_rates AS f ON f.currency = x.currency AND f.rate_date = x.day AND f.rate_to_usd <> x.rate
    WHERE NOT p_correct
    ORDER BY x.place
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA008',
            MESSAGE = format('the rate of %s on %s is known as %s and given as %s', v_problem.currency, v_problem.day,
                v_problem.rate_to_usd, v_problem.rate),
            COLUMN = 'rate',
            DETAIL = format('Element %s; nothing was stored.', v_problem.place),
            HINT = 'If the known rate is wrong, say that it is to be corrected: the sales of those days are then adjusted.';
    END IF;

    WITH given AS MATERIALIZED (
        SELECT r.rate ->> 'currency' AS currency, (r.rate ->> 'date')::date AS day, (r.rate ->> 'rate')::numeric AS rate
        FROM jsonb_array_elements(p_rates) AS r (rate)
    ),
    changed AS MATERIALIZED (
        SELECT g.currency, g.day, g.rate, f.rate_to_usd IS NULL AS is_new
        FROM given AS g
        LEFT JOIN attribution.fx_rates AS f ON f.currency = g.currency AND f.rate_date = g.day
        WHERE f.rate_to_usd IS DISTINCT FROM g.rate
    ),
    stored AS (
        INSERT INTO attribution.fx_rates (currency, rate_date, rate_to_usd, source)
        SELECT c.currency, c.day, c.rate, btrim(p_source) FROM changed AS c
        ON CONFLICT (currency, rate_date) DO UPDATE
        SET rate_to_usd = excluded.rate_to_usd, source = excluded.source, imported_at = clock_timestamp()
    ),
    queued AS ( -- a rate holds until the day of the next one
        INSERT INTO attribution.work_queue (tenant_id, event_ids, fx_currency, fx_days)
        SELECT t.id, '{}', d.currency, daterange(d.first, d.next)
        FROM (
            SELECT
                c.currency, min(c.day) AS first,
                (SELECT min(f.rate_date) FROM attribution.fx_rates AS f WHERE f.currency = c.currency AND f.rate_date > max(c.day)) AS next
            FROM changed AS c
            GROUP BY c.currency
        ) AS d
        CROSS JOIN attribution.tenants AS t
    )
    SELECT
        (SELECT count(*) FROM changed AS c WHERE c.is_new), (SELECT count(*) FROM changed AS c WHERE NOT c.is_new),
        (SELECT count(*) FROM given) - (SELECT count(*) FROM changed)
    INTO added, corrected, known;
    RETURN NEXT;
END
$$;

ALTER FUNCTION attribution.import_fx_rates(jsonb, text, boolean) OWNER TO attribution_engine;

COMMENT ON FUNCTION attribution.import_fx_rates(jsonb, text, boolean) IS
'Stores exchange rates (US dollars per unit) and queues the sales that they change; returns how many were new, corrected and known. Errors: 22023 bad element, RA008 a known rate differs, RA009 a bound login.';

REVOKE ALL ON FUNCTION attribution.import_fx_rates(jsonb, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.import_fx_rates(jsonb, text, boolean) TO attribution_admin;
