-- expect: SAFE | only words | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
INSERT INTO attr.lookup (k, v) VALUES ('doc', 'COPY x TO PROGRAM ''rm'' and pg_read_file()');
