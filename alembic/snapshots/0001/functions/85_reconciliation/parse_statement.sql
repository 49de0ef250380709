-- parse_statement(p_tenant, p_run_id, p_rows): the rows of a statement, and what is wrong with each.
--
-- p_rows   see report_revenue()
-- Returns  one row per element; column_name and problem where it won't do: the first that is wrong with it. Amounts are in
--          minor units, exactly: the currency says how many decimals there may be.
-- Reads    reconciliation_runs, reported_revenue (rows that are twice), currencies, channel_taxonomy, channel_aliases, tenants

CREATE OR REPLACE FUNCTION attribution.parse_statement(p_tenant uuid, p_run_id uuid, p_rows jsonb)
RETURNS TABLE (
    line int,
    row_key text,
    transaction_id text,
    channel_code text,
    day date,
    occurred_at timestamptz,
    amount_cents bigint,
    currency text,
    column_name text,
    problem text
)
LANGUAGE sql
STABLE
AS $$
    SELECT
        x.line, x.row_key, x.transaction_id, x.channel_code, x.day, x.occurred_at,
        CASE WHEN x.cents BETWEEN -9223372036854775808 AND 9223372036854775807 THEN x.cents::bigint END,
        x.currency, p.found[1], p.found[2]
    FROM (
        SELECT
            s.line, s.row_key, u.kind, s.amount, s.sent_channel, s.sent_date, upper(s.sent_currency) AS currency, c.minor_unit,
            s.sent_currency, s.is_minor,
            CASE u.kind WHEN 'processor' THEN s.sent_transaction END AS transaction_id,
            CASE u.kind WHEN 'ad_platform' THEN attribution.resolve_channel(p_tenant, s.sent_channel, NULL) END AS channel_code,
            CASE WHEN u.kind = 'ad_platform' AND attribution.is_day(s.sent_date) THEN s.sent_date::date END AS day,
            CASE u.kind WHEN 'processor' THEN attribution.statement_time(s.sent_date, t.time_zone) END AS occurred_at,
            CASE
                WHEN s.amount ~ '^-?[0-9]{1,19}$' AND s.is_minor THEN s.amount::numeric
                WHEN s.amount ~ '^-?[0-9]{1,19}([.][0-9]{1,18})?$' AND NOT s.is_minor
                    THEN trim_scale(s.amount::numeric * ('1e' || c.minor_unit)::numeric)
            END AS cents,
            row_number() OVER same AS nth,
            first_value(s.line) OVER same AS first_line
        FROM attribution.reconciliation_runs AS u
        JOIN attribution.tenants AS t ON t.id = u.tenant_id
        CROSS JOIN LATERAL (
            SELECT
                CASE WHEN e.sent ->> 'line' ~ '^[1-9][0-9]{0,8}$' THEN (e.sent ->> 'line')::int ELSE e.place::int END AS line,
                coalesce(e.sent ->> 'key', encode(sha256(convert_to((e.sent - 'line')::text, 'UTF8')), 'hex')) AS row_key,
                e.sent ->> 'transaction_id' AS sent_transaction,
                e.sent ->> 'channel' AS sent_channel,
                btrim(e.sent ->> 'date') AS sent_date,
                btrim(e.sent ->> 'currency') AS sent_currency,
                btrim(coalesce(e.sent ->> 'amount', e.sent ->> 'amount_minor')) AS amount,
                e.sent ->> 'amount' IS NULL AS is_minor,
                e.place
            FROM (
                SELECT CASE jsonb_typeof(i.sent) WHEN 'object' THEN i.sent ELSE '{}' END AS sent, i.place
                FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS i (sent, place)
            ) AS e
        ) AS s
        LEFT JOIN attribution.currencies AS c ON c.code = upper(s.sent_currency)
        WHERE u.tenant_id = p_tenant AND u.id = p_run_id
        WINDOW same AS (PARTITION BY s.row_key ORDER BY s.line, s.place)
    ) AS x
    LEFT JOIN LATERAL ( -- rows that came with an earlier call
        SELECT r.line
        FROM attribution.reported_revenue AS r
        WHERE r.tenant_id = p_tenant AND r.run_id = p_run_id AND r.row_key = x.row_key
    ) AS d ON true
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN x.kind = 'processor' AND coalesce(btrim(x.transaction_id), '') = ''
                THEN ARRAY['transaction_id', 'the row names no transaction']
            WHEN octet_length(x.transaction_id) > 512 THEN ARRAY['transaction_id', 'it is longer than 512 bytes']
            WHEN x.kind = 'ad_platform' AND x.channel_code IS NULL
                THEN ARRAY['channel', format('channel %L is not known', left(x.sent_channel, 100))]
            WHEN x.kind = 'ad_platform' AND x.day IS NULL
                THEN ARRAY['date', format('%L is not a day (YYYY-MM-DD)', left(x.sent_date, 100))]
            WHEN x.kind = 'processor' AND x.sent_date IS NOT NULL AND x.occurred_at IS NULL
                THEN ARRAY['date', format('%L is not a time (YYYY-MM-DD, or YYYY-MM-DD HH:MM:SS)', left(x.sent_date, 100))]
            WHEN x.minor_unit IS NULL THEN ARRAY['currency', format('currency %L is not known', left(x.sent_currency, 100))]
            WHEN x.cents IS NULL THEN ARRAY[
                CASE WHEN x.is_minor AND x.amount IS NOT NULL THEN 'amount_minor' ELSE 'amount' END,
                format('%L is not an amount: digits, with a decimal point if need be, and no separators', left(x.amount, 100))
            ]
            WHEN scale(x.cents) > 0
                THEN ARRAY['amount', format('%L has more decimals than %s has (%s)', left(x.amount, 100), x.currency, x.minor_unit)]
            WHEN x.cents NOT BETWEEN -9223372036854775808 AND 9223372036854775807
                THEN ARRAY['amount', format('%L is beyond any amount', left(x.amount, 100))]
            WHEN x.kind = 'ad_platform' AND x.cents < 0
                THEN ARRAY['amount', format('%L is negative: a platform claims 0 or more', left(x.amount, 100))]
            WHEN octet_length(x.row_key) NOT BETWEEN 1 AND 1024 THEN ARRAY['key', 'what identifies the row has not 1 to 1024 bytes']
            WHEN d.line IS NOT NULL OR x.nth > 1
                THEN ARRAY['key', format('the same row is in line %s', coalesce(d.line, x.first_line))]
        END AS found
    ) AS p
$$;

ALTER FUNCTION attribution.parse_statement(uuid, uuid, jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.parse_statement(uuid, uuid, jsonb) IS
'The rows of a statement as reported_revenue keeps them, with what is wrong with each.';

REVOKE ALL ON FUNCTION attribution.parse_statement(uuid, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.parse_statement(uuid, uuid, jsonb) TO attribution_engine;
