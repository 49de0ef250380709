-- expect: SAFE | a short lock | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);
