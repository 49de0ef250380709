-- expect: SAFE | reference rows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
INSERT INTO attr.lookup (k, v) VALUES ('k1', 'x'), ('k2', 'y') ON CONFLICT (k) DO UPDATE SET v = excluded.v;
