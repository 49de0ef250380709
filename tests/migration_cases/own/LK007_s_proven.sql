-- expect: SAFE | a validated CHECK proves the bounds | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.ev_loose ADD CONSTRAINT bounds
  CHECK (ts >= '2026-03-01 00:00:00' AND ts < '2026-04-01 00:00:00') NOT VALID;
COMMIT;
SET lock_timeout = '2s';
ALTER TABLE attr.ev_loose VALIDATE CONSTRAINT bounds;
ALTER TABLE attr.events ATTACH PARTITION attr.ev_loose FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
ALTER TABLE attr.ev_loose DROP CONSTRAINT bounds;
