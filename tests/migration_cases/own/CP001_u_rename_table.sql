-- expect: UNSAFE | old code asks for the old name | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.lookup RENAME TO lookups;
