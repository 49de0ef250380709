-- Named queries of ctl validate-migration: controlplane.db.queries()["name"].

-- name: throwaway
-- What a throwaway database carries: the marker row that says so, and event triggers that take notes. The triggers
-- fire ALWAYS, so that a migration in session_replication_role = replica is watched too.
CREATE SCHEMA ctl_throwaway;
CREATE TABLE ctl_throwaway.marker (token text PRIMARY KEY);
CREATE TABLE ctl_throwaway.dropped (
    id bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    identity text NOT NULL,
    relation oid NOT NULL,
    original boolean NOT NULL,
    temporary boolean NOT NULL
);
CREATE TABLE ctl_throwaway.rewritten (id bigint GENERATED ALWAYS AS IDENTITY, relation oid NOT NULL);
CREATE FUNCTION ctl_throwaway.note_drops() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO ctl_throwaway.dropped (type, identity, relation, original, temporary)
    SELECT object_type, object_identity, objid, original, is_temporary
    FROM pg_event_trigger_dropped_objects();
END
$$;
CREATE FUNCTION ctl_throwaway.note_rewrite() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO ctl_throwaway.rewritten (relation) VALUES (pg_event_trigger_table_rewrite_oid());
END
$$;
CREATE EVENT TRIGGER ctl_throwaway_drops ON sql_drop EXECUTE FUNCTION ctl_throwaway.note_drops();
CREATE EVENT TRIGGER ctl_throwaway_rewrites ON table_rewrite EXECUTE FUNCTION ctl_throwaway.note_rewrite();
ALTER EVENT TRIGGER ctl_throwaway_drops ENABLE ALWAYS;
ALTER EVENT TRIGGER ctl_throwaway_rewrites ENABLE ALWAYS;
GRANT USAGE ON SCHEMA ctl_throwaway TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA ctl_throwaway TO PUBLIC;

-- name: traced_relations
-- Every relation of the user's at the start of a unit.
SELECT
    c.oid, pg_catalog.format('%s.%s', n.nspname, c.relname), c.relkind::text,
    pg_catalog.pg_relation_filenode(c.oid), i.indrelid
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
WHERE
    n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', 'ctl_throwaway'])
    AND n.nspname !~ '^pg_(toast|temp)';

-- name: traced_locks
-- What the open transaction of this session has done so far to each relation that it holds a lock on. A dropped
-- relation has no name any more. The counters are those of pg_stat_xact_all_tables.
SELECT
    l.relation, l.modes, n.nspname || '.' || c.relname, c.relkind::text,
    pg_catalog.pg_relation_filenode(c.oid), pg_catalog.pg_relation_size(c.oid) = 0,
    pg_catalog.pg_stat_get_xact_numscans(c.oid), pg_catalog.pg_stat_get_xact_tuples_returned(c.oid),
    pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid), pg_catalog.pg_stat_get_xact_tuples_updated(c.oid),
    pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)
FROM (
    SELECT relation, pg_catalog.array_agg(DISTINCT mode) AS modes
    FROM pg_catalog.pg_locks
    WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' AND relation >= 16384 AND granted
    GROUP BY relation
) AS l
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IS NULL OR (n.nspname <> 'ctl_throwaway' AND n.nspname !~ '^pg_(toast|temp)');

-- name: watched_locks
-- The same of another session, committed counters: for statements that can't run in a transaction.
SELECT relation, mode
FROM pg_catalog.pg_locks
WHERE pid = %s AND locktype = 'relation' AND relation >= 16384 AND granted;

-- name: watched_counters
SELECT
    relid, seq_scan, seq_tup_read, n_tup_ins, n_tup_upd, n_tup_del
FROM pg_catalog.pg_stat_all_tables
WHERE relid >= 16384 AND schemaname <> 'ctl_throwaway' AND schemaname !~ '^pg_(toast|temp)';

-- name: trace_notes
SELECT 'drop', id, type, identity, relation, original, temporary FROM ctl_throwaway.dropped WHERE id > %s
UNION ALL
SELECT 'rewrite', id, '', '', relation, false, false FROM ctl_throwaway.rewritten WHERE id > %s
ORDER BY 1, 2;

-- name: catalog_relations
-- Every relation of the user's, with its parts as JSON. Row counts are asked for one by one.
SELECT
    pg_catalog.format('%s.%s', n.nspname, c.relname) AS name, c.relkind::text AS kind,
    COALESCE((
        SELECT pg_catalog.jsonb_object_agg(a.attname, pg_catalog.jsonb_build_object(
            'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'not_null', a.attnotnull,
            'default', COALESCE(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
        ) ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute AS a
        LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ), '{}') AS columns,
    c.relrowsecurity AS rls, c.relforcerowsecurity AS force_rls,
    COALESCE((
        SELECT pg_catalog.jsonb_object_agg(p.polname, pg_catalog.jsonb_build_object(
            'command', CASE p.polcmd
                WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL'
            END,
            'using', COALESCE(pg_catalog.pg_get_expr(p.polqual, p.polrelid), ''),
            'check', COALESCE(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), ''),
            'permissive', p.polpermissive
        ))
        FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid
    ), '{}') AS policies,
    COALESCE((
        SELECT pg_catalog.jsonb_object_agg(t.tgname, pg_catalog.jsonb_build_object(
            'function', pg_catalog.format('%s.%s', fn.nspname, f.proname), 'enabled', t.tgenabled::text
        ))
        FROM pg_catalog.pg_trigger AS t
        JOIN pg_catalog.pg_proc AS f ON f.oid = t.tgfoid
        JOIN pg_catalog.pg_namespace AS fn ON fn.oid = f.pronamespace
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
    ), '{}') AS triggers,
    COALESCE((
        SELECT pg_catalog.jsonb_object_agg(k.conname, pg_catalog.jsonb_build_object(
            'kind', k.contype::text, 'definition', pg_catalog.pg_get_constraintdef(k.oid), 'validated', k.convalidated
        ))
        FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype <> 'n'
    ), '{}') AS constraints,
    COALESCE((
        SELECT pg_catalog.jsonb_agg(DISTINCT pg_catalog.format('%s.%s', rn.nspname, r.relname))
        FROM pg_catalog.pg_rewrite AS w
        JOIN pg_catalog.pg_depend AS x ON x.classid = 'pg_catalog.pg_rewrite'::regclass AND x.objid = w.oid
        JOIN pg_catalog.pg_class AS r ON x.refclassid = 'pg_catalog.pg_class'::regclass AND r.oid = x.refobjid
        JOIN pg_catalog.pg_namespace AS rn ON rn.oid = r.relnamespace
        WHERE w.ev_class = c.oid AND c.relkind IN ('v', 'm') AND r.oid <> c.oid
    ), '[]') AS reads,
    COALESCE((
        SELECT pg_catalog.bool_or(o.option_value::boolean)
        FROM pg_catalog.pg_options_to_table(c.reloptions) AS o WHERE o.option_name = 'security_invoker'
    ), false) AS security_invoker,
    COALESCE(pg_catalog.format('%s.%s', tn.nspname, t.relname), '') AS "table",
    COALESCE(i.indisunique, false) AS "unique", COALESCE(i.indisvalid, true) AS valid,
    COALESCE((
        SELECT pg_catalog.format('%s.%s', pn.nspname, parent.relname)
        FROM pg_catalog.pg_inherits AS h
        JOIN pg_catalog.pg_class AS parent ON parent.oid = h.inhparent
        JOIN pg_catalog.pg_namespace AS pn ON pn.oid = parent.relnamespace
        WHERE h.inhrelid = c.oid AND c.relispartition
    ), '') AS partition_of,
    COALESCE(pg_catalog.pg_get_expr(c.relpartbound, c.oid), '') AS partition_bound
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
LEFT JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE
    c.relkind IN ('r', 'p', 'v', 'm', 'f', 'i', 'I', 'S')
    AND n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', 'ctl_throwaway'])
    AND n.nspname !~ '^pg_(toast|temp)';

-- name: catalog_functions
SELECT
    pg_catalog.format('%s.%s', n.nspname, p.proname) AS name,
    pg_catalog.pg_get_function_identity_arguments(p.oid) AS arguments, l.lanname::text AS language,
    COALESCE(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc) AS body, p.prokind::text AS kind,
    p.provolatile::text AS volatility, p.prosecdef AS definer,
    COALESCE((
        SELECT pg_catalog.substr(setting, 13) FROM pg_catalog.unnest(p.proconfig) AS setting
        WHERE setting LIKE 'search\_path=%'
    ), '') AS search_path,
    p.prorettype = 'pg_catalog.trigger'::regtype AS returns_trigger,
    CASE WHEN p.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(p.oid) ELSE '' END AS definition
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', 'ctl_throwaway']);

-- name: catalog_rest
SELECT
    (
        SELECT pg_catalog.jsonb_object_agg(name, labels)
        FROM (
            SELECT pg_catalog.format('%s.%s', n.nspname, t.typname) AS name,
                pg_catalog.jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) AS labels
            FROM pg_catalog.pg_enum AS e
            JOIN pg_catalog.pg_type AS t ON t.oid = e.enumtypid
            JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
            GROUP BY 1
        ) AS enums
    ) AS enums,
    (
        SELECT pg_catalog.jsonb_agg(nspname) FROM pg_catalog.pg_namespace
        WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'ctl_throwaway')
    ) AS schemas,
    (SELECT pg_catalog.jsonb_agg(rolname) FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_') AS roles,
    pg_catalog.to_jsonb(pg_catalog.current_schemas(false)) AS search_path;
