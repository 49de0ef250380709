-- expect: SAFE | a temporary table | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TEMP TABLE scratch (id int);
INSERT INTO scratch VALUES (1);
DROP TABLE scratch;
