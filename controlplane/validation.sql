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
            'permissive', p.polpermissive,
            'roles', (SELECT COALESCE(pg_catalog.jsonb_agg(r.rolname), '[]') FROM pg_catalog.pg_roles AS r
                WHERE r.oid = ANY (p.polroles))
        ))
        FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid
    ), '{}') AS policies,
    COALESCE((
        SELECT pg_catalog.jsonb_object_agg(t.tgname, pg_catalog.jsonb_build_object(
            'function', pg_catalog.format('%s.%s', fn.nspname, f.proname), 'enabled', t.tgenabled::text,
            'definition', pg_catalog.pg_get_triggerdef(t.oid)
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
    EXISTS (
        SELECT FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a
        WHERE a.grantee = 0
    ) AS public,
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
        SELECT pg_catalog.jsonb_object_agg(
            pg_catalog.format('%s.%s', n.nspname, t.typname),
            t.typnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.contypid = t.oid)
        )
        FROM pg_catalog.pg_type AS t
        JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
        WHERE t.typtype = 'd' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ) AS domains,
    (
        SELECT pg_catalog.jsonb_agg(nspname) FROM pg_catalog.pg_namespace
        WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'ctl_throwaway')
    ) AS schemas,
    (SELECT pg_catalog.jsonb_agg(rolname) FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_') AS roles,
    pg_catalog.to_jsonb(pg_catalog.current_schemas(false)) AS search_path;

-- name: seed_tables
-- Every table to be filled: its columns, foreign keys and the literals of its CHECKs. Partitions are filled through
-- their parent; parents come with the bounds of their partitions.
SELECT
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
    (
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'base', pg_catalog.format_type(COALESCE(NULLIF(t.typbasetype, 0), t.oid), NULL),
            'length', CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END,
            'required', a.attnotnull AND NOT a.atthasdef,
            'category', t.typcategory::text,
            'labels', (SELECT pg_catalog.jsonb_agg(e.enumlabel ORDER BY e.enumsortorder)
                FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid),
            'checks', (SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ' ')
                FROM pg_catalog.pg_constraint AS k
                WHERE k.contype = 'c' AND (k.contypid = t.oid OR (k.conrelid = c.oid AND a.attnum = ANY (k.conkey))))
        ) ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute AS a
        JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
    ) AS columns,
    (
        SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'table', k.confrelid::regclass::text,
            'columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY u.place)
                FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
            'references', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY u.place)
                FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u (attnum, place)
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum)
        ) ORDER BY k.conname)
        FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0
    ) AS foreign_keys,
    (
        SELECT pg_catalog.string_agg(pg_catalog.pg_get_expr(child.relpartbound, child.oid), ' ')
        FROM pg_catalog.pg_inherits AS h
        JOIN pg_catalog.pg_class AS child ON child.oid = h.inhrelid
        WHERE h.inhparent = c.oid
    ) AS bounds
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', 'ctl_throwaway'])
    AND n.nspname !~ '^pg_(toast|temp)' AND c.relname <> 'alembic_version'
ORDER BY c.oid;

-- name: seed_engine
-- Two tenants of this engine, each with a sale that was touched twice and one event that is refused, sent as apps send.
DO $seed$
DECLARE
    v_name text;
    v_tenant uuid;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['Seed One', 'Seed Two'] LOOP
        SELECT tenant_id INTO v_tenant
        FROM attribution.create_tenant(p_name => v_name, p_notification_email => 'seed@example.org');
        PERFORM attribution.set_tenant(v_tenant);
        INSERT INTO attribution.attribution_events (
            event_type, session_id, occurred_at, idempotency_key, channel, conversion_value_cents, currency,
            transaction_id
        )
        SELECT kind, '11111111-1111-1111-1111-111111111111', now() - age, kind || age, channel, cents, currency, sale
        FROM (
            VALUES
            ('click', interval '2 days', 'google_search_paid', NULL, NULL, NULL),
            ('click', interval '1 day', 'email', NULL, NULL, NULL),
            ('nonsense', interval '1 day', 'email', NULL, NULL, NULL),
            ('purchase', interval '1 hour', NULL, 12345::bigint, 'USD', 'order-1')
        ) AS sent (kind, age, channel, cents, currency, sale);
        PERFORM pg_catalog.set_config('app.current_tenant_id', '', false);
    END LOOP;
END
$seed$;

-- name: public_grants
-- What PUBLIC may do, as (kind, object, privilege): on relations, schemas, functions (only where that was granted by
-- hand, or the function runs as its owner) and future objects.
SELECT 'relation', pg_catalog.format('%s.%s', n.nspname, c.relname), a.privilege_type
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a
WHERE a.grantee = 0 AND n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', 'ctl_throwaway'])
UNION ALL
SELECT 'relation', pg_catalog.format('%s.%s', n.nspname, c.relname), a.privilege_type
FROM pg_catalog.pg_attribute AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) AS a
WHERE a.grantee = 0 AND n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', 'ctl_throwaway'])
UNION ALL
SELECT 'schema', n.nspname, a.privilege_type
FROM pg_catalog.pg_namespace AS n
CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS a
WHERE a.grantee = 0 AND n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', 'ctl_throwaway', 'public'])
UNION ALL
SELECT CASE WHEN p.prosecdef THEN 'definer' ELSE 'function' END, pg_catalog.format('%s.%s', n.nspname, p.proname),
    a.privilege_type
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(
    CASE WHEN p.prosecdef THEN COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner)) ELSE p.proacl END
) AS a
WHERE
    a.grantee = 0 AND n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', 'ctl_throwaway'])
    AND (p.prosecdef OR p.proacl IS NOT NULL)
UNION ALL
SELECT 'default', COALESCE(n.nspname, 'every schema'), a.privilege_type
FROM pg_catalog.pg_default_acl AS d
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) AS a
WHERE a.grantee = 0 AND NOT (d.defaclobjtype = 'f' AND d.defaclnamespace = 0 AND a.privilege_type = 'EXECUTE');

-- name: probe_roles
-- Roles to look through: those that are held by row-level security, and whether a policy speaks of them by name.
SELECT r.rolname
FROM pg_catalog.pg_roles AS r
WHERE NOT r.rolsuper AND NOT r.rolbypassrls AND r.rolname !~ '^pg_';

-- name: primary_keys
SELECT pg_catalog.format('%s.%s', n.nspname, c.relname), pg_catalog.array_agg(a.attname::text ORDER BY u.place)
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.attnum
WHERE k.contype = 'p'
GROUP BY 1;

-- name: checked_functions
-- What plpgsql_check says of every PL/pgSQL function, trigger functions once for each of their tables.
SELECT pg_catalog.format('%s.%s', n.nspname, p.proname), f.lineno, f.level, f.message
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
LEFT JOIN pg_catalog.pg_trigger AS t ON t.tgfoid = p.oid AND NOT t.tgisinternal
CROSS JOIN LATERAL plpgsql_check_function_tb(
    p.oid, COALESCE(t.tgrelid, 0), fatal_errors => false, performance_warnings => false,
    oldtable => t.tgoldtable, newtable => t.tgnewtable
) AS f
WHERE
    n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', 'ctl_throwaway'])
    AND p.prorettype NOT IN ('event_trigger'::regtype)
    AND (p.prorettype <> 'trigger'::regtype OR t.oid IS NOT NULL)
    AND f.level = 'error';

-- name: security_state
-- One word for everything that decides who may do what: where it is the same, probing again would say the same.
SELECT pg_catalog.md5(pg_catalog.string_agg(part, '|' ORDER BY part))
FROM (
    SELECT 'class' || ROW(
        oid, relname, relnamespace, relowner, relkind, relrowsecurity, relforcerowsecurity, reloptions, relacl
    )::text
    FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION ALL
    SELECT 'column' || ROW(attrelid, attname, atttypid)::text
    FROM pg_catalog.pg_attribute WHERE attrelid >= 16384 AND attnum > 0
    UNION ALL
    SELECT 'policy' || p::text FROM pg_catalog.pg_policy AS p
    UNION ALL
    SELECT 'trigger' || ROW(tgrelid, tgname, tgfoid, tgenabled, tgtype, tgqual)::text
    FROM pg_catalog.pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'rule' || ROW(ev_class, ev_type, ev_enabled, ev_action)::text FROM pg_catalog.pg_rewrite WHERE oid >= 16384
    UNION ALL
    SELECT 'function' || p::text FROM pg_catalog.pg_proc AS p WHERE p.oid >= 16384
    UNION ALL
    SELECT 'role' || r::text FROM pg_catalog.pg_roles AS r
    UNION ALL
    SELECT 'member' || m::text FROM pg_catalog.pg_auth_members AS m
) AS parts (part);
