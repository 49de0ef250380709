-- expect: SAFE | what the role made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE ROLE leaver;
DROP ROLE leaver;
