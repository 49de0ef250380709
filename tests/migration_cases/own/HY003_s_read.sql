-- expect: SAFE | the catalogue is only read | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = 'lookup') THEN RAISE 'gone'; END IF; END $$;
