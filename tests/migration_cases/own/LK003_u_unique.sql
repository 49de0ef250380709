-- expect: UNSAFE | writers wait | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE UNIQUE INDEX tp_code ON attr.touchpoints (code, id);
