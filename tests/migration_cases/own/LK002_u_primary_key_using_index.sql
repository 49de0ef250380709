-- expect: UNSAFE | the columns become NOT NULL, with a scan | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE UNIQUE INDEX CONCURRENTLY tp_n_id ON attr.ev_loose (id);
CREATE TABLE attr.plain (a int, b int);
COMMIT;
ALTER TABLE attr.touchpoints DROP CONSTRAINT touchpoints_pkey;
CREATE UNIQUE INDEX CONCURRENTLY tp_n ON attr.touchpoints (n);
ALTER TABLE attr.touchpoints ADD CONSTRAINT tp_pk PRIMARY KEY USING INDEX tp_n;
