-- expect: UNSAFE | a volatile function of ours | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN w int DEFAULT attr.vol();
