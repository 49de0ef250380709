-- expect: SAFE | nobody's rows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE VIEW attr.v_lookup AS SELECT k FROM attr.lookup;
