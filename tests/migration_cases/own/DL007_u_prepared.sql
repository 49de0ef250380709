-- expect: UNSAFE | a prepared statement | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
PREPARE gone AS DELETE FROM attr.lookup;
EXECUTE gone;
