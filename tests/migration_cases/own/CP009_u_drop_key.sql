-- expect: UNSAFE | ON CONFLICT (k) fails | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.lookup DROP CONSTRAINT lookup_pkey;
