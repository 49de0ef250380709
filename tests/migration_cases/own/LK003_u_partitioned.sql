-- expect: UNSAFE | writers of every partition wait | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE INDEX events_ts ON attr.events (ts);
