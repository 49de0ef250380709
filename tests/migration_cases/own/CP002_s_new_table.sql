-- expect: SAFE | made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.scratch (a text);
ALTER TABLE attr.scratch ALTER COLUMN a TYPE jsonb USING a::jsonb;
