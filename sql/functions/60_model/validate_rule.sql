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
            CASE jsonb_typeof(c -> 'last') WHEN 'number' THEN (c ->> 'last')::numeric END AS last_share,
            CASE p_rule ->> 'model_type' WHEN 'j_shaped' THEN 0.2 WHEN 'inverse_j' THEN 0.6 ELSE 0.4 END AS usual_first,
            CASE p_rule ->> 'model_type' WHEN 'j_shaped' THEN 0.6 WHEN 'inverse_j' THEN 0.2 ELSE 0.4 END AS usual_last
        FROM rule
    ),
    known_keys (object, key, models) AS ( -- models: null for all
        VALUES
        ('config', 'lookback', NULL), ('config', 'per_channel', NULL), ('config', 'per_event_type', NULL),
        ('config', 'cutoff', NULL), ('config', 'on_repeat', NULL), ('config', 'exclude_channels', NULL),
        ('config', 'only_channels', NULL), ('config', 'dedupe', NULL),
        ('config', 'missing_timestamp', '{time_decay,daily_linear}'), ('config', 'half_life', '{time_decay}'),
        ('config', 'first', '{position_based,j_shaped,inverse_j}'), ('config', 'last', '{position_based,j_shaped,inverse_j}'),
        ('config', 'two_touch', '{position_based,j_shaped,inverse_j}'), ('config', 'roles', '{role_based}'),
        ('config', 'absent_roles', '{role_based}'), ('config', 'weight_function', '{custom}'), ('config', 'parameters', '{custom}'),
        ('applies_to', 'event_types', NULL), ('applies_to', 'campaigns', NULL), ('applies_to', 'partners', NULL),
        ('applies_to', 'currencies', NULL), ('applies_to', 'min_value_cents', NULL), ('applies_to', 'max_value_cents', NULL)
    ),
    choices (key, value) AS (
        VALUES
        ('two_touch', 'prorate'), ('two_touch', 'split_middle'), ('two_touch', 'equal'),
        ('cutoff', 'conversion'), ('cutoff', 'first_contact'), ('cutoff', 'first_booked'), ('cutoff', 'first_attended'),
        ('cutoff', 'first_paid'), ('on_repeat', 'keep'), ('on_repeat', 'reset'), ('dedupe', 'touch'), ('dedupe', 'channel'),
        ('missing_timestamp', 'exclude'), ('missing_timestamp', 'uniform'), ('missing_timestamp', 'reject'),
        ('absent_roles', 'renormalise'), ('absent_roles', 'unattributed')
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
                'first_touch', 'last_touch', 'last_non_direct', 'linear', 'daily_linear', 'time_decay', 'position_based',
                'w_shaped', 'full_path', 'j_shaped', 'inverse_j', 'role_based', 'weighted', 'custom',
                'markov', 'shapley', 'bayesian_mmm'
            ),
            '$.model_type', format('model_type %L is not known', t.model),
            'Use first_touch, last_touch, last_non_direct, linear, daily_linear, time_decay, position_based, w_shaped, full_path, '
            || 'j_shaped, inverse_j, role_based, weighted or custom.'
        ),
        (
            t.model IN ('markov', 'shapley', 'bayesian_mmm'), '$.model_type',
            format('model_type %L is reserved for a later version', t.model), 'Use a rule-based model.'
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
            coalesce(t.first_share, t.usual_first) + coalesce(t.last_share, t.usual_last) > 1, '$.config',
            'first and last together are more than 1', 'Leave something, or nothing, for the touches between.'
        ),
        (
            t.model = 'role_based' AND (jsonb_typeof(t.c -> 'roles') IS DISTINCT FROM 'object' OR t.c -> 'roles' = '{}'),
            '$.config.roles', 'roles is not an object of pools', 'Give the share of each partner_role, such as {"sourced": 0.6}.'
        ),
        (
            t.model = 'custom' AND attribution.weight_function_error(t.c ->> 'weight_function') IS NOT NULL,
            '$.config.weight_function', format('weight_function %L cannot be used: %s', t.c ->> 'weight_function',
                attribution.weight_function_error(t.c ->> 'weight_function')),
            'Name an IMMUTABLE function (int, int, interval, jsonb) returns double precision of the engine''s owner.'
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
            coalesce(t.r ->> 'constraint_mode', 'must_sum_to_100') NOT IN ('must_sum_to_100', 'cap_at_100', 'allow_double_counting'),
            '$.constraint_mode', format('constraint_mode %L is not known', t.r ->> 'constraint_mode'),
            'Use must_sum_to_100, cap_at_100 or allow_double_counting.'
        ),
        (
            t.r -> 'is_book' = 'true' AND coalesce(t.r ->> 'constraint_mode', 'must_sum_to_100') <> 'must_sum_to_100',
            '$.constraint_mode', format('a book rule cannot be %s: what it posts must sum to the revenue', t.r ->> 'constraint_mode'),
            'Use must_sum_to_100, or make it a shadow rule (is_book: false).'
        )
    ) AS e (is_wrong, path, message, hint)
    WHERE e.is_wrong
    UNION ALL
    SELECT
        format('$.%s.%s', o.object, k.key), format('%s is not an option%s', k.key, CASE o.object
            WHEN 'config' THEN ' of ' || coalesce(p_rule ->> 'model_type', 'this model') ELSE ''
        END),
        'Remove it, or correct its spelling.'
    FROM rule AS t
    CROSS JOIN LATERAL (VALUES ('config', t.c), ('applies_to', t.a)) AS o (object, value)
    CROSS JOIN LATERAL jsonb_object_keys(o.value) AS k (key)
    WHERE NOT EXISTS (
        SELECT FROM known_keys AS n
        WHERE n.object = o.object AND n.key = k.key
            AND (n.models IS NULL OR p_rule ->> 'model_type' = ANY (n.models::text[]))
    )
    UNION ALL
    SELECT format('$.%s', k.key), format('%s is no part of a rule', k.key), 'Remove it, or correct its spelling.'
    FROM rule AS t
    CROSS JOIN LATERAL jsonb_object_keys(t.r) AS k (key)
    WHERE k.key NOT IN (
        'name', 'model_type', 'config', 'applies_to', 'priority', 'is_book', 'constraint_mode',
        'tenant_id', 'id', 'version', 'status', 'created_at', 'created_by' -- a stored version has these, too
    )
    UNION ALL
    SELECT format('$.config.%s', o.key), format('%s %L is not known', o.key, o.value #>> '{}'),
        'Use ' || (SELECT string_agg(c.value, ', ') FROM choices AS c WHERE c.key = o.key) || '.'
    FROM rule AS t
    CROSS JOIN LATERAL jsonb_each(t.c) AS o (key, value)
    WHERE o.key IN (SELECT c.key FROM choices AS c)
        AND NOT EXISTS (SELECT FROM choices AS c WHERE c.key = o.key AND to_jsonb(c.value) = o.value)
    UNION ALL
    SELECT
        format('$.config.%s', o.key), format('%s is not a list of channel codes', o.key),
        'Give a JSON array of codes from channel_taxonomy.'
    FROM rule AS t
    CROSS JOIN LATERAL jsonb_each(t.c) AS o (key, value)
    WHERE o.key IN ('exclude_channels', 'only_channels')
        AND jsonb_path_exists(jsonb_build_array(o.value), 'strict $[0] ? (@.type() != "array" || (exists(@[*] ? (@.type() != "string"))))')
    UNION ALL
    SELECT format('$.config.%s', o.key), format('%s is not an object', o.key), 'Give a JSON object, such as {"email": "7 days"}.'
    FROM rule AS t
    CROSS JOIN LATERAL jsonb_each(t.c) AS o (key, value)
    WHERE o.key IN ('per_channel', 'per_event_type') AND jsonb_typeof(o.value) <> 'object'
    UNION ALL
    SELECT format('$.config.%s.%s', o.key, w.key), format('%L is not a length of time up to 100 years', w.value #>> '{}'),
        'Give a number and a unit, such as "7 days".'
    FROM typed AS t
    CROSS JOIN LATERAL jsonb_each(t.c) AS o (key, value)
    CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(o.value) WHEN 'object' THEN o.value ELSE '{}' END) AS w (key, value)
    WHERE o.key IN ('per_channel', 'per_event_type') AND NOT CASE
        WHEN w.value #>> '{}' ~ t.interval_shape THEN (w.value #>> '{}')::interval <= '100 years'
        ELSE false
    END
    UNION ALL
    SELECT format('$.config.roles.%s', w.key), format('%s is not a share', w.value), 'Give a number above 0, at most 1e15.'
    FROM rule AS t
    CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(t.c -> 'roles') WHEN 'object' THEN t.c -> 'roles' ELSE '{}' END) AS w (key, value)
    WHERE NOT CASE jsonb_typeof(w.value) WHEN 'number' THEN w.value::numeric > 0 AND w.value::numeric <= 1e15 ELSE false END
    UNION ALL
    SELECT format('$.applies_to.%s', o.key), format('%s is not a list of texts', o.key), 'Give a JSON array of texts.'
    FROM rule AS t
    CROSS JOIN LATERAL jsonb_each(t.a) AS o (key, value)
    WHERE o.key IN ('event_types', 'campaigns', 'partners', 'currencies')
        AND jsonb_path_exists(jsonb_build_array(o.value), 'strict $[0] ? (@.type() != "array" || (exists(@[*] ? (@.type() != "string"))))')
    UNION ALL
    SELECT format('$.%s', l.path), format('%s is empty: the rule would apply to nothing', l.path), 'Name something, or leave it out.'
    FROM rule AS t
    CROSS JOIN LATERAL (
        SELECT 'applies_to.' || o.key, o.value FROM jsonb_each(t.a) AS o (key, value)
        UNION ALL
        SELECT 'config.only_channels', t.c -> 'only_channels'
    ) AS l (path, value)
    WHERE l.value = '[]'
    UNION ALL
    SELECT '$.applies_to', 'min_value_cents is above max_value_cents: the rule would apply to nothing', 'Swap them.'
    FROM rule AS t
    WHERE CASE
        WHEN jsonb_typeof(t.a -> 'min_value_cents') = 'number' AND jsonb_typeof(t.a -> 'max_value_cents') = 'number'
            THEN (t.a ->> 'min_value_cents')::numeric > (t.a ->> 'max_value_cents')::numeric
        ELSE false
    END
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
