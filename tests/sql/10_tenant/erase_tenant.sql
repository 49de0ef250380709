-- erase_tenant(): removes a tenant with all its rows, nobody else's, and is the only way that rows disappear.
BEGIN;
SELECT plan(14);
\ir ../shop.psql
SELECT pg_temp.touch('t', '10:00'), pg_temp.touch('bad', '10:00', 'nowhere'), pg_temp.sale('s', '12:00', 1000) \g /dev/null
INSERT INTO attribution.channel_aliases (tenant_id, match_kind, match_value, channel_code) VALUES (:'shop', 'label', 'x', 'email');
INSERT INTO attribution.import_sources (tenant_id, name, fingerprint)
VALUES (:'shop', 'events.csv', '0:' || encode(sha256(''), 'hex'));
INSERT INTO attribution.attribution_events (event_type, session_id, idempotency_key, conversion_value_cents, currency, transaction_id)
VALUES ('refund', gen_random_uuid(), 'r', 10, 'USD', 's');
SELECT attribution.override_allocation(:'shop', 's', '[{"channel": "email", "percent": 100, "partner_id": "ann"}]', 'ann', 'a test') \g /dev/null
SELECT attribution.fold_summaries(:'shop') \g /dev/null
SELECT pg_temp.sale('noted', '13:00', 1000) \g /dev/null
SELECT attribution.seal_ledger(:'shop') \g /dev/null
INSERT INTO attribution.reconciliation_runs (tenant_id, id, source, kind)
SELECT :'shop', id, 'stripe', 'processor' FROM attribution.tenants WHERE id = :'shop';
INSERT INTO attribution.reported_revenue (tenant_id, run_id, source, kind, line, row_key, transaction_id, amount_cents, currency)
VALUES (:'shop', :'shop', 'stripe', 'processor', 2, 'ch_1', 's', 1000, 'USD');
INSERT INTO attribution.revenue_verifications (tenant_id, run_id, source, transaction_id, currency, status, reported_cents, ledger_cents)
VALUES (:'shop', :'shop', 'stripe', 's', 'USD', 'amount_mismatch', 1000, 990);
SELECT attribution.bind_login(session_user, :'shop');
DELETE FROM attribution.tenant_logins WHERE role_name <> session_user;

CREATE FUNCTION pg_temp.rows_of(p_tenant uuid) RETURNS TABLE (name text, rows bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR name IN
        SELECT c.relname
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END
        WHERE c.relnamespace = 'attribution'::regnamespace AND c.relkind = 'r'
        ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT count(*) FROM attribution.%I AS t WHERE to_jsonb(t) ->> %L = %L', name,
            CASE name WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END, p_tenant) INTO rows;
        RETURN NEXT;
    END LOOP;
END
$$;

SELECT is_empty(
    format('SELECT name FROM pg_temp.rows_of(%L) WHERE rows = 0', :'shop'), 'the shop has rows in every tenant table'
);
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.rows_of(:'shop');

SELECT throws_ok(
    format('SELECT attribution.erase_tenant(%L, ''shop'')', :'shop'), 'RA004', 'the name does not match the tenant',
    'the exact name must confirm'
);
SELECT throws_ok(
    format('SELECT attribution.erase_tenant(%L, NULL)', :'shop'), 'RA004', 'the name does not match the tenant', 'not null'
);
DELETE FROM attribution.tenant_logins;
SELECT throws_ok(
    'SELECT attribution.erase_tenant(''00000000-0000-0000-0000-000000000000'', ''Shop'')', 'RA004', 'unknown tenant',
    'an unknown tenant cannot be erased'
);

SELECT tenant_id AS other FROM attribution.create_tenant('Other', 'ops@other.example') \gset
SELECT attribution.bind_login(session_user, :'other');
SELECT throws_ok(
    format('SELECT attribution.erase_tenant(%L, ''Shop'')', :'shop'), 'RA009', NULL, 'nor can another tenant''s bound login erase it'
);
DELETE FROM attribution.tenant_logins;
SELECT attribution.set_tenant(:'other') \g /dev/null
SELECT pg_temp.touch('t', '10:00'), pg_temp.sale('s', '12:00', 1000) \g /dev/null
CREATE TEMP TABLE others AS SELECT * FROM pg_temp.rows_of(:'other');
SELECT attribution.set_tenant(:'shop') \g /dev/null
SELECT attribution.bind_login(session_user, :'shop');

SELECT results_eq(
    format('SELECT key, value::bigint FROM jsonb_each_text(attribution.erase_tenant(%L, ''Shop'')) ORDER BY key', :'shop'),
    'SELECT name, rows FROM before ORDER BY name',
    'erase_tenant() returns the rows removed from each tenant table'
);
SELECT is_empty(format('SELECT name FROM pg_temp.rows_of(%L) WHERE rows > 0', :'shop'), 'and nothing is left');
SELECT results_eq(
    format('SELECT * FROM pg_temp.rows_of(%L)', :'other'), 'SELECT * FROM others', 'another tenant''s rows stay'
);
SELECT is(
    (SELECT erased_by FROM attribution.tenant_erasures WHERE erased_tenant_id = :'shop'), session_user,
    'the erasure is on record'
);
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'and may be committed');

SET CONSTRAINTS ALL DEFERRED;
SELECT throws_ok(
    format('DELETE FROM attribution.revenue_ledger WHERE tenant_id = %L', :'other'), 'RA001', NULL,
    'the record does not open the guards for another tenant''s rows'
);
SAVEPOINT forged;
INSERT INTO attribution.tenant_erasures (erased_tenant_id) VALUES (:'other');
SELECT throws_ok(
    'SET CONSTRAINTS ALL IMMEDIATE', 'RA001', 'the erasure is recorded but the tenant still exists',
    'a forged record cannot be committed while the tenant exists'
);
ROLLBACK TO forged;
SELECT throws_ok(
    'DELETE FROM attribution.tenant_erasures', 'RA001', NULL, 'the record itself is kept'
);
SELECT throws_ok(
    'UPDATE attribution.tenant_erasures SET erased_at = now()', 'RA001', NULL, 'and never changed'
);

SELECT * FROM finish();
ROLLBACK;
