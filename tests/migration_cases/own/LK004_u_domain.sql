-- expect: UNSAFE | every table with it | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE DOMAIN attr.qty AS int;
CREATE TABLE attr.stock (q attr.qty);
COMMIT;
ALTER TABLE attr.lookup ADD COLUMN q attr.qty;
ALTER TABLE attr.lookup ADD CONSTRAINT q_positive CHECK (q > 0);
