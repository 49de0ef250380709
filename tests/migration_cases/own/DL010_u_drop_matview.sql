-- expect: UNSAFE | its readers fail | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP MATERIALIZED VIEW attr.mv_channels;
