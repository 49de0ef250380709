-- expect: SAFE | a comment | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
COMMENT ON TABLE attr.lookup IS 'DROP TABLE attr.lookup';
