-- expect: SAFE | an empty one | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.events_2026_05 PARTITION OF attr.events FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');
