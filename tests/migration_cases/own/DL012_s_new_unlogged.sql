-- expect: SAFE | made so | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE UNLOGGED TABLE attr.scratch (id int);
