-- expect: UNSAFE | writers of the old label fail | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TYPE attr.status RENAME VALUE 'new' TO 'fresh';
