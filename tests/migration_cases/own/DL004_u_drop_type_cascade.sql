-- expect: UNSAFE | the column goes with the type | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP TYPE attr.status CASCADE;
