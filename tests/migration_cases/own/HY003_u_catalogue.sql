-- expect: UNSAFE | nothing checks it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
UPDATE pg_catalog.pg_attribute SET attnotnull = true WHERE attrelid = 'attr.touchpoints'::regclass AND attname = 'n';
