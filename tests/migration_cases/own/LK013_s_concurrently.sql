-- expect: SAFE | readers go on | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE UNIQUE INDEX CONCURRENTLY mv_channel ON attr.mv_channels (channel);
REFRESH MATERIALIZED VIEW CONCURRENTLY attr.mv_channels;
