-- expect: SAFE | its only writer is REFRESH | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE UNIQUE INDEX mv_channel ON attr.mv_channels (channel);
REFRESH MATERIALIZED VIEW CONCURRENTLY attr.mv_channels;
