-- expect: SAFE | made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.scratch (id int);
ALTER TABLE attr.scratch ADD COLUMN u uuid DEFAULT gen_random_uuid();
ALTER TABLE attr.scratch ALTER COLUMN id TYPE bigint;
