-- expect: UNSAFE | rows are copied while a table is locked | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN z int;
CREATE TABLE attr.copy AS SELECT channel FROM attr.touchpoints;
