-- expect: UNSAFE | a copy | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE UNLOGGED TABLE attr.big AS SELECT k FROM attr.lookup;
COMMIT;
ALTER TABLE attr.ev_loose SET UNLOGGED;
