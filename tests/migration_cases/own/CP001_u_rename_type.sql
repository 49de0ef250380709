-- expect: UNSAFE | old code names it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TYPE attr.status RENAME TO state;
