-- expect: UNSAFE | a table is locked out while rows are copied | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.lookup ADD COLUMN note text;
INSERT INTO attr.lookup (k, v) SELECT 't' || id, channel FROM attr.touchpoints;
