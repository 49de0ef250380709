-- expect: SAFE | made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE SCHEMA z;
CREATE TABLE attr.scratch (id int);
ALTER TABLE attr.scratch SET SCHEMA z;
