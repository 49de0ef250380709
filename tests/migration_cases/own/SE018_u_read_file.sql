-- expect: UNSAFE | the server's files | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
INSERT INTO attr.lookup (k, v) SELECT 'f', pg_read_file('PG_VERSION');
