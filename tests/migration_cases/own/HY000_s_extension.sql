-- expect: SAFE | a trusted extension | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE EXTENSION IF NOT EXISTS plpgsql;
