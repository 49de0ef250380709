-- expect: SAFE | made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.scratch (id int);
INSERT INTO attr.scratch VALUES (1);
TRUNCATE attr.scratch;
