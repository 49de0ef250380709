-- expect: UNSAFE | readers wait | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.events DETACH PARTITION attr.events_2026_01;
