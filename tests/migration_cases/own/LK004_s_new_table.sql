-- expect: SAFE | made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.scratch (id bigint PRIMARY KEY, n int CHECK (n > 0));
ALTER TABLE attr.scratch ADD CONSTRAINT s_n CHECK (n < 10);
