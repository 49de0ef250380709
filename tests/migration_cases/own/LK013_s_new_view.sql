-- expect: SAFE | made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE MATERIALIZED VIEW attr.mv2 AS SELECT k FROM attr.lookup WITH NO DATA;
REFRESH MATERIALIZED VIEW attr.mv2;
