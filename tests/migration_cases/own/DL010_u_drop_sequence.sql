-- expect: UNSAFE | the position is lost | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.t (id int);
ALTER SEQUENCE attr.ledger_id_seq RENAME TO old_seq;
DROP SEQUENCE IF EXISTS attr.old_seq CASCADE;
