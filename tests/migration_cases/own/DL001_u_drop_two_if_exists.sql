-- expect: UNSAFE | IF EXISTS does not make it harmless | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DROP TABLE IF EXISTS attr.not_there, attr.lookup;
