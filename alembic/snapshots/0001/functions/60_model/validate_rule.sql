-- validate_rule(p_rule): everything that is wrong with a rule, at once.
--
-- p_rule   the rule as JSON: name, model_type, config, applies_to, priority, is_book, constraint_mode
-- Returns  one row per error: path (JSON path of the culprit), message, hint; no row when the rule is valid
--
-- Each check is a row of the list below. Texts become intervals and numbers only where their shape has been checked, so
-- that a malformed one is an error in the list and not an exception.

CREATE OR REPLACE FUNCTION attribution.validate_rule(p_rule jsonb)
RETURNS TABLE (path text, message text, hint text)
LANGUAGE sql
STABLE
AS $$
    WITH rule AS (
        SELECT
            CASE jsonb_typeof(p_rule) WHEN 'object' THEN p_rule ELSE '{}' END AS r,
            CASE jsonb_typeof(p_rule -> 'config') WHEN 'object' THEN p_rule -> 'config' ELSE '{}' END AS c,
            CASE jsonb_typeof(p_rule -> 'applies_to') WHEN 'object' THEN p_rule -> 'applies_to' ELSE '{}' END AS a
    ),
    typed AS (
        SELECT
            rule.*,
            p_rule ->> 'model_type' AS model,
            '^\s*\d{1,6}(\.\d{1,6})?\s*(second|minute|hour|day|week|month|year)s?\s*$' AS interval_shape,
            CASE jsonb_typeof(c -> 'first') WHEN 'number' THEN (c ->> 'first')::numeric END AS first_share,
            CASE jsonb_typeof(c -> 'last') WHEN 'number' THEN (c ->> 'last')::numeric END AS last_share
        FROM rule
    ),
    known_keys (object, key) AS (
        VALUES
        ('config', 'lookback'), ('config', 'half_life'), ('config', 'first'), ('config', 'last'), ('config', 'two_touch'),
        ('applies_to', 'event_types'), ('applies_to', 'campaigns'), ('applies_to', 'partners'), ('applies_to', 'currencies'),
        ('applies_to', 'min_value_cents'), ('applies_to', 'max_value_cents')
    )
    SELECT e.path, e.message, e.hint
    FROM typed AS t
    CROSS JOIN LATERAL (
        VALUES
        (
            jsonb_typeof(p_rule) IS DISTINCT FROM 'object', '$', 'the rule is not an object', 'Give a JSON object.'
        ),
        (
            coalesce(btrim(t.r ->> 'name'), '') = '' OR t.r ->> 'name' <> btrim(t.r ->> 'name') OR octet_length(t.r ->> 'name') > 200,
            '$.name', 'name is missing, padded with blanks or longer than 200 bytes', 'Give the rule a short name.'
        ),
        (
            coalesce(t.model, '') NOT IN (
                'first_touch', 'last_touch', 'last_non_direct', 'linear', 'time_decay', 'position_based'
            ),
            '$.model_type', format('model_type %L is not known', t.model),
            'Use first_touch, last_touch, last_non_direct, linear, time_decay or position_based.'
        ),
        (
            t.r ? 'config' AND jsonb_typeof(t.r -> 'config') <> 'object', '$.config', 'config is not an object', 'Give a JSON object.'
        ),
        (
            t.r ? 'applies_to' AND jsonb_typeof(t.r -> 'applies_to') <> 'object', '$.applies_to', 'applies_to is not an object',
            'Give a JSON object; {} applies to every conversion.'
        ),
        (
            t.c ? 'lookback' AND NOT CASE
                WHEN t.c ->> 'lookback' ~ t.interval_shape THEN (t.c ->> 'lookback')::interval <= '100 years'
                ELSE false
            END, '$.config.lookback', format('lookback %L is not a length of time up to 100 years', t.c ->> 'lookback'),
            'Give a number and a unit, such as "30 days".'
        ),
        (
            t.c ? 'half_life' AND NOT CASE
                WHEN t.c ->> 'half_life' ~ t.interval_shape
                    THEN (t.c ->> 'half_life')::interval BETWEEN '1 second' AND '100 years'
                ELSE false
            END, '$.config.half_life',
            format('half_life %L is not a length of time from 1 second to 100 years', t.c ->> 'half_life'),
            'Give a number and a unit, such as "7 days".'
        ),
        (
            t.c ? 'first' AND coalesce(t.first_share NOT BETWEEN 0 AND 1, true), '$.config.first',
            format('first %s is not a share', t.c ->> 'first'), 'Give a number from 0 to 1.'
        ),
        (
            t.c ? 'last' AND coalesce(t.last_share NOT BETWEEN 0 AND 1, true), '$.config.last',
            format('last %s is not a share', t.c ->> 'last'), 'Give a number from 0 to 1.'
        ),
        (
            coalesce(t.first_share, 0.4) + coalesce(t.last_share, 0.4) > 1, '$.config',
            'first and last together are more than 1', 'Leave something, or nothing, for the touches between.'
        ),
        (
            t.c ? 'two_touch' AND coalesce(t.c ->> 'two_touch', '') NOT IN ('prorate', 'split_middle', 'equal'),
            '$.config.two_touch', format('two_touch %L is not known', t.c ->> 'two_touch'),
            'Use prorate, split_middle or equal.'
        ),
        (
            t.r ? 'priority' AND coalesce(t.r ->> 'priority', '') !~ '^-?\d{1,9}$', '$.priority',
            format('priority %L is not a whole number', t.r ->> 'priority'), 'Give a whole number; the lowest wins.'
        ),
        (
            t.r ? 'is_book' AND jsonb_typeof(t.r -> 'is_book') <> 'boolean', '$.is_book',
            format('is_book %L is neither true nor false', t.r ->> 'is_book'), 'Give true or false.'
        ),
        (
            coalesce(t.r ->> 'constraint_mode', 'must_sum_to_100') <> 'must_sum_to_100', '$.constraint_mode',
            format('constraint_mode %L is not supported yet', t.r ->> 'constraint_mode'), 'Use must_sum_to_100.'
        )
    ) AS e (is_wrong, path, message, hint)
    WHERE e.is_wrong
    UNION ALL
    SELECT format('$.%s.%s', o.object, k.key), format('%s is not an option', k.key), 'Remove it, or correct its spelling.'
    FROM rule AS t
    CROSS JOIN LATERAL (VALUES ('config', t.c), ('applies_to', t.a)) AS o (object, value)
    CROSS JOIN LATERAL jsonb_object_keys(o.value) AS k (key)
    WHERE NOT EXISTS (SELECT FROM known_keys AS n WHERE n.object = o.object AND n.key = k.key)
    UNION ALL
    SELECT format('$.applies_to.%s', o.key), format('%s is not a list of texts', o.key), 'Give a JSON array of texts.'
    FROM rule AS t
    CROSS JOIN LATERAL jsonb_each(t.a) AS o (key, value)
    WHERE o.key IN ('event_types', 'campaigns', 'partners', 'currencies')
        AND jsonb_path_exists(jsonb_build_array(o.value), 'strict $[0] ? (@.type() != "array" || (exists(@[*] ? (@.type() != "string"))))')
    UNION ALL
    SELECT format('$.applies_to.%s', o.key), format('%s is not a number', o.key), 'Give minor units as a JSON number.'
    FROM rule AS t
    CROSS JOIN LATERAL jsonb_each(t.a) AS o (key, value)
    WHERE o.key IN ('min_value_cents', 'max_value_cents') AND jsonb_typeof(o.value) <> 'number'
$$;

ALTER FUNCTION attribution.validate_rule(jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.validate_rule(jsonb) IS
'Everything that is wrong with a rule given as JSON: path, message and hint per error; no row when it is valid.';

REVOKE ALL ON FUNCTION attribution.validate_rule(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.validate_rule(jsonb)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
