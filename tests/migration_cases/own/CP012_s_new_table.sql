-- expect: SAFE | made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.scratch (id int);
CREATE RULE quiet AS ON DELETE TO attr.scratch DO INSTEAD NOTHING;
