-- expect: UNSAFE | a CHECK that is not validated proves nothing | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.ev_loose ADD CONSTRAINT bounds
  CHECK (ts >= '2026-03-01' AND ts < '2026-04-01') NOT VALID;
COMMIT;
ALTER TABLE attr.events ATTACH PARTITION attr.ev_loose FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
