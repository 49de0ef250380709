-- expect: SAFE | made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.scratch (id int);
CREATE INDEX scratch_id ON attr.scratch (id);
DROP INDEX attr.scratch_id;
