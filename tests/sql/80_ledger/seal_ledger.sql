-- seal_ledger() and seal_hash(): every batch once, in the order of posting, each link made of the one before.
BEGIN;
SELECT plan(17);
\ir ../refunds.psql

SELECT is(attribution.seal_ledger(:'shop'), 0::bigint, 'nothing posted, nothing sealed');
SELECT pg_temp.sale('a', '13:00', 1000), pg_temp.sale('b', '13:00', 500), pg_temp.back('r', 'refund', 'a', 100) \g /dev/null
SELECT is(attribution.seal_ledger(:'shop'), 3::bigint, 'each batch is sealed');
SELECT is(attribution.seal_ledger(:'shop'), 0::bigint, 'once');
SELECT results_eq(
    'SELECT s.seq, s.batch_id, s.batch_hash FROM attribution.ledger_seals AS s ORDER BY s.seq',
    'SELECT row_number() OVER (ORDER BY b.posted_at, b.id), b.id, b.entries_hash FROM attribution.ledger_batches AS b ORDER BY 1',
    'in the order of posting'
);
SELECT is(
    (SELECT prev_hash FROM attribution.ledger_seals WHERE seq = 1), decode(repeat('00', 32), 'hex'), 'the first follows 32 zero bytes'
);
SELECT is_empty(
    $$SELECT s.seq FROM attribution.ledger_seals AS s
    LEFT JOIN attribution.ledger_seals AS p ON p.seq = s.seq - 1
    WHERE s.seq > 1 AND s.prev_hash IS DISTINCT FROM p.chain_hash$$,
    'each other the hash before'
);
SELECT is_empty(
    $$SELECT s.seq FROM attribution.ledger_seals AS s WHERE s.chain_hash <> sha256(convert_to(format(
        '36:%s,%s:%s,36:%s,64:%s,64:%s,16:%s', s.tenant_id, length(s.seq::text), s.seq, s.batch_id, encode(s.batch_hash, 'hex'),
        encode(s.prev_hash, 'hex'), (extract(epoch FROM s.sealed_at) * 1000000)::bigint), 'UTF8'))$$,
    'the hash is SHA-256 of the documented form'
);
CREATE TEMP TABLE anchor AS SELECT encode(chain_hash, 'hex') AS hash FROM attribution.ledger_seals WHERE seq = 3;
SELECT pg_temp.sale('c', '13:00', 70) \g /dev/null
SELECT is(attribution.seal_ledger(), 1::bigint, 'without a tenant: all of them');
SELECT is_empty($$SELECT * FROM attribution.verify_ledger(attribution.current_tenant())$$, 'nothing is wrong');
SELECT is_empty(
    $$SELECT v.* FROM anchor, attribution.verify_ledger(attribution.current_tenant(), anchor.hash) AS v$$, 'a chain that has grown still holds the exported hash'
);
SELECT is_empty(
    $$SELECT v.* FROM anchor, attribution.verify_ledger(attribution.current_tenant(), upper(anchor.hash)) AS v$$, 'however it is written'
);
SELECT results_eq(
    $$SELECT * FROM attribution.verify_ledger(attribution.current_tenant(), repeat('0', 64))$$,
    $$VALUES ('chain_rewritten', 'seal ' || repeat('0', 64), 'no seal of the tenant has the hash that was exported')$$, 'another hash is not in it'
);
SELECT throws_ok($$SELECT attribution.seal_ledger('00000000-0000-0000-0000-000000000001')$$, 'RA004', NULL, 'an unknown tenant');
SELECT throws_ok($$SELECT * FROM attribution.verify_ledger('00000000-0000-0000-0000-000000000001')$$, 'RA004', NULL, 'cannot be verified either');
SELECT throws_ok('UPDATE attribution.ledger_seals SET seq = seq + 1', 'RA001', NULL, 'seals are append-only');
SELECT throws_ok('DELETE FROM attribution.ledger_seals', 'RA001', NULL, 'all of them');

-- More than one slice of batches.
SELECT tenant_id AS big FROM attribution.create_tenant('Big', 'ops@big.example') \gset
SELECT attribution.set_tenant(:'big') \g /dev/null
SELECT pg_temp.sale('s' || n, '13:00', n) FROM generate_series(1, 1001) AS n \g /dev/null
SELECT is(attribution.seal_ledger(:'big'), 1001::bigint, 'a thousand and one batches are one chain');

SELECT * FROM finish();
ROLLBACK;
