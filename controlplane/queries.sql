-- Named queries: controlplane.db.queries()["name"].

-- name: version_table_exists
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'attribution' AND c.relname = 'alembic_version'
);

-- name: drop_version_schema
DROP TABLE IF EXISTS attribution.alembic_version;
DO $$
BEGIN
    DROP SCHEMA attribution;
EXCEPTION
    WHEN dependent_objects_still_exist OR insufficient_privilege THEN
        RAISE NOTICE 'schema attribution is kept: it is not ours, or not only';
END
$$;

-- name: fingerprint
-- Every object of the schema, as rows (kind, object, parent, property, value). Objects of extensions, Alembic's
-- table and internal triggers do not count. `parent` is the table or view that an object belongs to. A UNION takes
-- its types from its first branch: without the casts there, `name` would cut every value to 63 bytes.
WITH
schema AS (
    SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace WHERE nspname = 'attribution'
),
foreign_object AS (
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
),
relation AS (
    SELECT
        c.*,
        pg_catalog.format('%I.%I', s.nspname, c.relname) AS object,
        CASE c.relkind
            WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
            WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'composite type' ELSE 'table'
        END AS kind
    FROM pg_catalog.pg_class AS c
    JOIN schema AS s ON s.oid = c.relnamespace
    WHERE
        c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
        AND c.relname <> 'alembic_version'
        AND ('pg_catalog.pg_class'::regclass, c.oid) NOT IN (TABLE foreign_object)
),
routine AS (
    SELECT
        p.*,
        pg_catalog.format(
            '%I.%I(%s)', s.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)
        ) AS object,
        CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind
    FROM pg_catalog.pg_proc AS p
    JOIN schema AS s ON s.oid = p.pronamespace
    WHERE ('pg_catalog.pg_proc'::regclass, p.oid) NOT IN (TABLE foreign_object)
),
type AS (
    SELECT
        t.*,
        pg_catalog.format('%I.%I', s.nspname, t.typname) AS object,
        CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' ELSE 'type' END AS kind
    FROM pg_catalog.pg_type AS t
    JOIN schema AS s ON s.oid = t.typnamespace
    WHERE
        t.typtype IN ('d', 'e', 'r', 'b') AND t.typelem = 0
        AND ('pg_catalog.pg_type'::regclass, t.oid) NOT IN (TABLE foreign_object)
),
owned (kind, object, parent, class, oid, owner, acl) AS (
    SELECT 'schema', nspname::text, NULL::text, 'pg_namespace', oid, nspowner,
        COALESCE(nspacl, pg_catalog.acldefault('n', nspowner)) FROM schema
    UNION ALL
    SELECT kind, object, NULL, 'pg_class', oid, relowner,
        COALESCE(relacl, pg_catalog.acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
    FROM relation
    UNION ALL
    SELECT kind, object, NULL, 'pg_proc', oid, proowner,
        COALESCE(proacl, pg_catalog.acldefault('f', proowner)) FROM routine
    UNION ALL
    SELECT kind, object, NULL, 'pg_type', oid, typowner,
        COALESCE(typacl, pg_catalog.acldefault('T', typowner)) FROM type
),
sub_object (kind, object, parent, class, oid) AS (
    SELECT 'constraint', pg_catalog.format('%I on %s', c.conname, r.object), r.object, 'pg_constraint', c.oid
    FROM pg_catalog.pg_constraint AS c
    JOIN relation AS r ON r.oid = c.conrelid
    WHERE c.contype <> 'n'
    UNION ALL
    SELECT 'constraint', pg_catalog.format('%I on %s', c.conname, t.object), t.object, 'pg_constraint', c.oid
    FROM pg_catalog.pg_constraint AS c
    JOIN type AS t ON t.oid = c.contypid
    WHERE c.contype <> 'n'
    UNION ALL
    SELECT 'index', pg_catalog.format('%I on %s', i.relname, r.object), r.object, 'pg_class', i.oid
    FROM pg_catalog.pg_index AS x
    JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
    JOIN relation AS r ON r.oid = x.indrelid
    UNION ALL
    SELECT 'trigger', pg_catalog.format('%I on %s', t.tgname, r.object), r.object, 'pg_trigger', t.oid
    FROM pg_catalog.pg_trigger AS t
    JOIN relation AS r ON r.oid = t.tgrelid
    WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'policy', pg_catalog.format('%I on %s', p.polname, r.object), r.object, 'pg_policy', p.oid
    FROM pg_catalog.pg_policy AS p
    JOIN relation AS r ON r.oid = p.polrelid
    UNION ALL
    SELECT 'rule', pg_catalog.format('%I on %s', w.rulename, r.object), r.object, 'pg_rewrite', w.oid
    FROM pg_catalog.pg_rewrite AS w
    JOIN relation AS r ON r.oid = w.ev_class
    WHERE w.rulename <> '_RETURN'
    UNION ALL
    SELECT 'statistics', pg_catalog.format('%I on %s', e.stxname, r.object), r.object, 'pg_statistic_ext', e.oid
    FROM pg_catalog.pg_statistic_ext AS e
    JOIN relation AS r ON r.oid = e.stxrelid
),
attribute AS (
    SELECT
        a.*, pg_catalog.format('%s.%I', r.object, a.attname) AS object, r.object AS parent,
        pg_catalog.row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS place
    FROM pg_catalog.pg_attribute AS a
    JOIN relation AS r ON r.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped
),
fact (kind, object, parent, property, value) AS (
    SELECT kind, object, parent, 'owner', pg_catalog.pg_get_userbyid(owner)::text FROM owned
    UNION ALL
    SELECT o.kind, o.object, o.parent, 'grants to ' || g.grantee, g.privileges
    FROM owned AS o
    CROSS JOIN LATERAL (
        SELECT
            COALESCE(pg_catalog.pg_get_userbyid(NULLIF(a.grantee, 0)), 'PUBLIC') AS grantee,
            pg_catalog.string_agg(
                a.privilege_type || CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END,
                ', ' ORDER BY a.privilege_type
            ) AS privileges
        FROM pg_catalog.aclexplode(o.acl) AS a
        GROUP BY a.grantee
    ) AS g
    UNION ALL
    SELECT kind, object, parent, 'comment', pg_catalog.obj_description(oid, class)
    FROM (
        SELECT kind, object, parent, class, oid FROM owned
        UNION ALL
        TABLE sub_object
    ) AS commented
    UNION ALL
    SELECT r.kind, r.object, NULL, p.property, p.value
    FROM relation AS r
    CROSS JOIN LATERAL (
        VALUES
        ('row-level security', r.relrowsecurity::text),
        ('forced row-level security', r.relforcerowsecurity::text),
        ('options', r.reloptions::text),
        ('persistence', r.relpersistence::text),
        ('replica identity', r.relreplident::text),
        ('partition', pg_catalog.pg_get_partkeydef(r.oid) || COALESCE(pg_catalog.pg_get_expr(r.relpartbound, r.oid), '')),
        ('definition', CASE WHEN r.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(r.oid) END)
    ) AS p (property, value)
    UNION ALL
    SELECT 'sequence', r.object, NULL, 'definition', pg_catalog.format(
        '%s start %s increment %s min %s max %s cache %s cycle %s', q.seqtypid::regtype,
        q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle
    )
    FROM relation AS r
    JOIN pg_catalog.pg_sequence AS q ON q.seqrelid = r.oid
    UNION ALL
    SELECT 'column', a.object, a.parent, p.property, p.value
    FROM attribute AS a
    LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    CROSS JOIN LATERAL (
        VALUES
        ('place', a.place::text),
        ('type', pg_catalog.format_type(a.atttypid, a.atttypmod)),
        ('not null', a.attnotnull::text),
        ('default', pg_catalog.pg_get_expr(d.adbin, d.adrelid)),
        ('identity or generated', a.attidentity::text || a.attgenerated::text),
        ('collation', NULLIF(a.attcollation, 0)::regcollation::text),
        ('grants', (
            SELECT pg_catalog.string_agg(
                COALESCE(pg_catalog.pg_get_userbyid(NULLIF(x.grantee, 0)), 'PUBLIC') || '=' || x.privilege_type, ', '
                ORDER BY pg_catalog.pg_get_userbyid(x.grantee), x.privilege_type
            )
            FROM pg_catalog.aclexplode(a.attacl) AS x
        )),
        ('comment', pg_catalog.col_description(a.attrelid, a.attnum))
    ) AS p (property, value)
    UNION ALL
    SELECT r.kind, r.object, NULL, p.property, p.value
    FROM routine AS r
    JOIN pg_catalog.pg_language AS l ON l.oid = r.prolang
    CROSS JOIN LATERAL (
        VALUES
        ('arguments', pg_catalog.pg_get_function_arguments(r.oid)),
        ('result', pg_catalog.pg_get_function_result(r.oid)),
        ('language', l.lanname::text),
        ('body', COALESCE(pg_catalog.pg_get_function_sqlbody(r.oid), r.prosrc)),
        ('volatility', CASE r.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END),
        ('parallel', CASE r.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END),
        ('security', CASE WHEN r.prosecdef THEN 'DEFINER' ELSE 'INVOKER' END),
        ('strict', r.proisstrict::text),
        ('leakproof', r.proleakproof::text),
        ('cost', r.procost::text),
        ('rows', r.prorows::text),
        ('support', NULLIF(r.prosupport::oid, 0)::regproc::text)
    ) AS p (property, value)
    UNION ALL
    SELECT r.kind, r.object, NULL, pg_catalog.split_part(setting, '=', 1),
        pg_catalog.substr(setting, pg_catalog.strpos(setting, '=') + 1)
    FROM routine AS r
    CROSS JOIN LATERAL pg_catalog.unnest(r.proconfig) AS setting
    UNION ALL
    SELECT t.kind, t.object, NULL, p.property, p.value
    FROM type AS t
    CROSS JOIN LATERAL (
        VALUES
        ('base', pg_catalog.format_type(NULLIF(t.typbasetype, 0), t.typtypmod)),
        ('not null', t.typnotnull::text),
        ('default', t.typdefault),
        ('labels', (
            SELECT pg_catalog.string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
            FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid
        ))
    ) AS p (property, value)
    UNION ALL
    SELECT s.kind, s.object, s.parent, p.property, p.value
    FROM sub_object AS s
    LEFT JOIN pg_catalog.pg_trigger AS t ON s.class = 'pg_trigger' AND t.oid = s.oid
    LEFT JOIN pg_catalog.pg_constraint AS c ON s.class = 'pg_constraint' AND c.oid = s.oid
    LEFT JOIN pg_catalog.pg_index AS i ON s.class = 'pg_class' AND i.indexrelid = s.oid
    LEFT JOIN pg_catalog.pg_policy AS y ON s.class = 'pg_policy' AND y.oid = s.oid
    CROSS JOIN LATERAL (
        VALUES
        ('definition', CASE s.class
            WHEN 'pg_trigger' THEN pg_catalog.pg_get_triggerdef(s.oid)
            WHEN 'pg_constraint' THEN pg_catalog.pg_get_constraintdef(s.oid)
            WHEN 'pg_class' THEN pg_catalog.pg_get_indexdef(s.oid)
            WHEN 'pg_rewrite' THEN pg_catalog.pg_get_ruledef(s.oid)
            WHEN 'pg_statistic_ext' THEN pg_catalog.pg_get_statisticsobjdef(s.oid)
        END),
        ('state', CASE t.tgenabled
            WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'D' THEN 'DISABLED' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'O' THEN 'ENABLED'
        END),
        ('validated', c.convalidated::text),
        ('valid', i.indisvalid::text),
        ('command', CASE y.polcmd
            WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' WHEN '*' THEN 'ALL'
        END),
        ('kind', CASE WHEN y.polpermissive THEN 'PERMISSIVE' WHEN NOT y.polpermissive THEN 'RESTRICTIVE' END),
        ('roles', (
            SELECT pg_catalog.string_agg(COALESCE(a.rolname, 'PUBLIC'), ', ' ORDER BY a.rolname)
            FROM pg_catalog.unnest(y.polroles) AS member (oid)
            LEFT JOIN pg_catalog.pg_roles AS a ON a.oid = member.oid
        )),
        ('using', pg_catalog.pg_get_expr(y.polqual, y.polrelid)),
        ('with check', pg_catalog.pg_get_expr(y.polwithcheck, y.polrelid))
    ) AS p (property, value)
)
SELECT kind, object, parent, property, value
FROM fact
WHERE value IS NOT NULL
ORDER BY kind, object, property;

-- name: tenants
SELECT * FROM attribution.list_tenants();

-- name: create_tenant
SELECT tenant_id, api_key
FROM attribution.create_tenant(%(name)s, %(email)s, %(currency)s, %(zone)s, %(settings)s);

-- name: rotate_api_key
SELECT attribution.rotate_api_key(%s) AS api_key;

-- name: bind_login
SELECT attribution.bind_login(%s, %s);

-- name: erase_tenant
SELECT attribution.erase_tenant(%s, %s) AS counts;

-- name: verify
SELECT check_name AS check, tenant_id, object, detail FROM attribution.verify(%s, %s);

-- name: installed_bodies
SELECT pg_catalog.format('%I.%I', n.nspname, p.proname) AS name, 
    p.prosrc, pg_catalog.pg_get_function_sqlbody(p.oid) AS parsed
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = 'attribution';

-- name: rebuild
SELECT conversions, changed FROM attribution.rebuild(%s, %s, %s);

-- name: report_health
SELECT *
FROM attribution.pipeline_health
WHERE tenant_id = %(tenant)s;

-- name: report_channels
-- A line per channel and rule, then the rule's total (channel_code null). The largest channels come first.
SELECT
    m.currency, c.minor_unit, m.channel_code, m.rule_name, m.is_book,
    SUM(m.revenue_cents)::bigint AS revenue_cents
FROM attribution.model_comparison AS m
JOIN attribution.currencies AS c ON c.code = m.currency
WHERE m.tenant_id = %(tenant)s
GROUP BY GROUPING SETS (
    (m.currency, c.minor_unit, m.channel_code, m.rule_id, m.rule_name, m.is_book),
    (m.currency, c.minor_unit, m.rule_id, m.rule_name, m.is_book)
)
ORDER BY
    m.currency, GROUPING(m.channel_code),
    MAX(SUM(m.revenue_cents)) OVER (PARTITION BY m.currency, m.channel_code) DESC,
    m.channel_code, m.is_book DESC, m.rule_name;

-- name: report_partners
-- The first ten of each currency.
SELECT p.currency, c.minor_unit, p.rank, p.partner_id, p.sales, p.net_cents::bigint AS net_cents
FROM attribution.partner_leaderboard AS p
JOIN attribution.currencies AS c ON c.code = p.currency
WHERE p.tenant_id = %(tenant)s AND p.rank <= 10
ORDER BY p.currency, p.rank, p.partner_id;

-- name: report_conservation
SELECT
    currency, minor_unit, COALESCE(conversions, 0) AS conversions, COALESCE(revenue_cents, 0) AS revenue_cents,
    COALESCE(allocated_cents, 0) AS allocated_cents, COALESCE(drift_cents, 0) AS drift_cents,
    COALESCE(net_cents, 0) AS net_cents
FROM (
    SELECT
        currency, COUNT(*) AS conversions, SUM(revenue_cents)::bigint AS revenue_cents,
        SUM(allocated_cents)::bigint AS allocated_cents, SUM(ABS(drift_cents))::bigint AS drift_cents
    FROM attribution.allocation_summary
    WHERE tenant_id = %(tenant)s AND is_book
    GROUP BY currency
) AS allocated
FULL JOIN (
    SELECT currency, SUM(net_cents)::bigint AS net_cents
    FROM attribution.revenue_transactions
    WHERE tenant_id = %(tenant)s
    GROUP BY currency
) AS posted USING (currency)
JOIN attribution.currencies AS c ON c.code = currency
ORDER BY currency;

-- name: import_places
SELECT fingerprint, position, lines, digest
FROM attribution.import_sources
WHERE tenant_id = %s AND name = %s
ORDER BY position DESC;

-- name: import_events
SELECT number, status, error_code, error_message, dead_event_id
FROM attribution.import_events(
    %(tenant)s, %(name)s, %(fingerprint)s, %(after)s, %(position)s, %(lines)s, %(digest)s, %(events)s, %(unparsable)s
);

-- name: dead_events
-- An id, or every dead event that the filters let through (null: any), oldest first.
SELECT
    id, ingested_at, source, error_code, error_message, error_detail ->> 'hint' AS hint, remediation_status,
    retry_count, last_retry_at, next_retry_at, idempotency_key, resolved_event_id, raw_payload
FROM attribution.dead_events
WHERE
    tenant_id = %(tenant)s
    AND (%(ids)s::uuid[] IS NULL OR id = ANY (%(ids)s))
    AND (%(status)s::text IS NULL OR remediation_status = %(status)s)
    AND (%(code)s::text IS NULL OR error_code = %(code)s)
    AND (%(source)s::text IS NULL OR source = %(source)s)
    AND (%(older_than)s::interval IS NULL OR ingested_at < now() - %(older_than)s::interval)
ORDER BY id
LIMIT %(limit)s;

-- name: replay_dead_events
SELECT dead_event_id, status, resolved_event_id, error_code, error_message
FROM attribution.replay_dead_events(%s, %s, NULL, false, %s);

-- name: discard_dead_events
SELECT attribution.discard_dead_events(%s, %s) AS discarded;
