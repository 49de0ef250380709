-- expect: UNSAFE | moved away: lost to readers | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.archive AS WITH d AS (DELETE FROM attr.lookup RETURNING *) SELECT * FROM d;
